/**
 * The bulk of a set: all numbers that most calls need, in one field, packed as doubles. First what seldom changes:
 *
 * - until when the front half may take, without a look at anything else: 0 while a pause, a claim or a reset is in its way; by how much the
 *   set's time is ahead of the clock; how many bytes all this takes, up to the latest time;
 * - for each of the first debts: ceiling, weight, rate, idle, window;
 * - the time before which no session ends; that when the key expires; the longest lease.
 *
 * Then the latest time that changed something; and for each of these debts its state, as debt.ts writes it.
 */
export const bulk = /* lua */ `
-- So many debts are in the bulk. It is read and written as a whole.
local MOST_PACKED = 16
local HEADER, TAIL = 24, 24
-- A debt as if never used.
local NO_DEBT = pack("<dddd", 0, 0, 0, 0)

-- Of definitions: by place, the index of the limit there; by index, its place.
local function packedIn(list)
  local indexes, places = {}, {}
  for index = 1, #list do
    if find(list[index], "^[012] ") and not find(list[index], "\\tper", 1, true) then
      indexes[#indexes + 1] = index
      places[index] = #indexes
      if #indexes == MOST_PACKED then break end
    end
  end
  return indexes, places
end
local packed, placeOf

-- The states of the debts in a bulk, as text, one after the other.
local function recordsIn(text, from)
  local list = {}
  while from < #text do
    local following = from + 32 + 24 * unpackFrom("<d", text, from + 24)
    list[#list + 1] = sub(text, from, following - 1)
    from = following
  end
  return list
end

-- The constants of the debts, and the longest of their windows.
local function constantsOf(list)
  local texts, longest = {}, 0
  for place = 1, #packed do
    local ceiling, window, weight, rate, idle = match(list[packed[place]], "^%d+ (%d+) (%d+) (%d+) (%d+) (%d+)")
    texts[place] = pack("<ddddd", ceiling, weight, rate, idle, window)
    longest = math.max(longest, tonumber(window))
  end
  return concat(texts), longest
end
`;
