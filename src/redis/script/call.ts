/**
 * A call has these arguments:
 *
 * | | whole | compact |
 * |---|---|---|
 * | 1, 2 | the name of the bulk, and that of the session's field | |
 * | 3 | the number of the batch | packed: 0 for an acquire, 1 for a try, 2 for several operations, and 4 more if debts are wide, in one byte; the number of the batch, in six; and what they want together of each limit in the bulk, up to the last one wanted |
 * | 4 | the last batch whose answer the caller counts on | the operations if there are several, where `T1:5*3` stands for three |
 * | 5 | the time, if that is injected | the same |
 * | from 6 | the lease; the redefinition; windows of calendars; `below` if a limit begins with less than all, and the partitions (see partitions.ts); the definitions that are redefined; the definitions as text and as JSON, if the server may not have them; the operations | |
 *
 * The compact call is for takes of token buckets and GCRA limits, by a session that is known and holds nothing (see front.ts). No byte of
 * it is above 127, so that each client sends it as it is: a number of units is `low + 128 * high`, where the bytes of `high` are
 * the highest bits of its bytes, and those of `low` the rest of them. Numbers of batches have no such bytes.
 */
export const call = /* lua */ `
local acked, lease, redefinition, windows, partitions, from = 0, 0, "", "", "", ""
local definitionText, json = "", ""
local operations = {}
if isWhole then
  acked, lease, redefinition, windows = tonumber(ARGV[4]), tonumber(ARGV[6]), ARGV[7], ARGV[8]
  partitions, from, definitionText, json = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
  for i = 13, #ARGV do operations[i - 12] = ARGV[i] end
elseif form == 2 then
  for operation, times in gmatch(ARGV[4], "([^* ]+)%*?(%d*)") do
    for _ = 1, tonumber(times) or 1 do operations[#operations + 1] = operation end
  end
end
`;

/** The request of a compact call that has one. */
export const single = /* lua */ `
if not isWhole and form ~= 2 then
  operations[1] = form == 1 and "O" or "T"
  local counts, place, at = {}, 0, 8
  while at <= #ARGV[3] do
    low, high, at = unpackFrom("<I7I7", ARGV[3], at)
    place = place + 1
    if low > 0 or high > 0 then counts[packed[place]] = low + 128 * high end
  end
  requests[1] = { counts = counts, demand = NOTHING, isOnce = form == 1, isNested = false }
end
`;
