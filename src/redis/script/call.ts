/**
 * A call has these arguments:
 *
 * | | whole | compact |
 * |---|---|---|
 * | 1, 2 | the name of the bulk, and that of the session's field | |
 * | 3 | `w` and the number of the batch; behind a space the time, if that is injected | the number; below 0 if it is a try; behind an `l` if there are several operations; and the time |
 * | from 4 | the last batch whose answer the caller counts on; the lease; the redefinition; windows of calendars; `below` if a limit begins with less than all, and the partitions (see partitions.ts); the definitions that are redefined; the definitions as text and as JSON, if the server may not have them; the operations | what all operations want together of each limit in the bulk, up to the last one wanted; the operations if there are several, where `T1:5*3` stands for three |
 *
 * The compact call is for takes of token buckets and GCRA limits, by a session that is known and holds nothing (see front.ts).
 */
export const call = /* lua */ `
local acked, lease, redefinition, windows, partitions, from = 0, 0, "", "", "", ""
local definitionText, json = "", ""
local operations = {}
if form == "w" then
  acked, lease, redefinition, windows = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
  partitions, from, definitionText, json = ARGV[8], ARGV[9], ARGV[10], ARGV[11]
  for i = 12, #ARGV do operations[i - 11] = ARGV[i] end
elseif form == "l" then
  for operation, times in gmatch(ARGV[#ARGV], "([^* ]+)%*?(%d*)") do
    for _ = 1, tonumber(times) or 1 do operations[#operations + 1] = operation end
  end
end
`;

/** The request of a compact call that has one. */
export const single = /* lua */ `
if form ~= "w" and form ~= "l" then
  operations[1] = isOnce and "O" or "T"
  local counts = {}
  for i = 4, #ARGV do
    local units = tonumber(ARGV[i])
    if units > 0 then counts[packed[i - 3]] = units end
  end
  requests[1] = { counts = counts, demand = NOTHING, isOnce = isOnce, isNested = false }
end
`;
