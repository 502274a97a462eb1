/**
 * The bulk of a set: all numbers that most calls need, in one field, packed as doubles.
 *
 * - Until when the front half may take, without a look at anything else: 0 while a pause, a claim or a reset is in its way. It is below 0, and
 *   means what it would above, where the set's time is ahead of the clock.
 * - The latest time that changed something.
 * - For each of the first debts: ceiling, weight, rate; and its state, as debt.ts writes it. All debts are narrow, or none is.
 * - By how much the set's time is ahead of the clock, if it is.
 *
 * What only the half behind needs is in the field `c`: the time before which no session ends; that when the key expires; the longest lease; the
 * longest window of these debts; and 1 if they are narrow.
 */
export const bulk = /* lua */ `
-- So many debts are in the bulk. It is read and written as a whole.
local MOST_PACKED = 16
-- A debt as if never used.
local NO_DEBT, NO_NARROW_DEBT = pack("<Bddd", 0, 0, 0, 0), pack("<Bdd", 16, 0, 0)

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

-- The states of the debts in a bulk, as text, and their constants, one after the other.
local function recordsIn(text)
  local list, texts, from, place = {}, {}, 17, 0
  while from + 8 < #text do
    local count = unpackFrom("<B", text, from + 24)
    local following = count < 16 and from + 49 + 24 * (count % 8) or from + 41 + 16 * (count % 8)
    place = place + 1
    texts[place], list[place] = sub(text, from, from + 23), sub(text, from + 24, following - 1)
    from = following
  end
  return list, texts
end

-- The constants of the debts; the longest of their windows; and 1 if all are narrow, as doubles can be.
local function constantsOf(list)
  local texts, longest, narrow = {}, 0, 1
  for place = 1, #packed do
    local ceiling, window, weight, rate = match(list[packed[place]], "^%d+ (%d+) (%d+) (%d+) (%d+)")
    texts[place] = pack("<ddd", ceiling, weight, rate)
    longest = math.max(longest, tonumber(window))
    if ceiling * weight >= 9007199254740992 then narrow = 0 end
  end
  return texts, longest, narrow
end
`;
