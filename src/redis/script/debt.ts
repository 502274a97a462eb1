/** The counterpart of `assembly/algorithms/debt.ts`: the common part of token bucket, GCRA and leaky bucket. */
export const debt = /* lua */ `
-- Its text has how many marks follow, in one byte; and as packed doubles since when it leaks, units, part, and of each mark its time, units and
-- part. To the number 8 is added where one more mark is last, which is the debt itself, as it is right after a reservation; and 16 if
-- the debt is narrow: then each pair of units and part is one number.
local function read(stored, definition)
  if not stored then return { at = 0, units = 0, part = 0, marks = {} } end
  local count, at, units, part, from = unpackFrom("<B", stored), 0, 0, 0, 2
  local isNarrow, weight = count >= 16, definition and definition.weight
  local function split()
    local time, units, part
    if isNarrow then
      time, part, from = unpackFrom("<dd", stored, from)
      units = quotient(part, weight)
      return time, units, part - units * weight
    end
    time, units, part, from = unpackFrom("<ddd", stored, from)
    return time, units, part
  end
  at, units, part = split()
  local marks, last = {}, count % 8
  for i = 1, last do
    local time, low, over = split()
    marks[i] = { time = time, units = low, part = over }
  end
  if count % 16 >= 8 then marks[last + 1] = { time = at, units = units, part = part } end
  return { at = at, units = units, part = part, marks = marks }
end

-- With a weight it is narrow, unless it is too large for that.
local function write(state, weight)
  local marks, units, part = state.marks, state.units, state.part
  local count = #marks
  local last, flag = marks[count], 0
  if last and last.time == state.at and last.units == units and last.part == part then count, flag = count - 1, 8 end
  if weight and units * weight + part >= EXACT then weight = nil end
  local stored = weight and pack("<Bdd", count + flag + 16, state.at, units * weight + part) or pack("<Bddd", count + flag, state.at, units, part)
  for i = 1, count do
    local mark = marks[i]
    stored = stored .. (weight and pack("<dd", mark.time, mark.units * weight + mark.part) or pack("<ddd", mark.time, mark.units, mark.part))
  end
  return stored
end

-- The rest of the debt; changes nothing.
local function owed(definition, state, now)
  local elapsed = now - state.at
  if elapsed <= 0 or (state.units == 0 and state.part == 0) then return state.units, state.part end
  if elapsed > definition.idle then return 0, 0 end
  local units, part = mulDiv(elapsed, definition.rate, definition.weight)
  if isLess(state.units, state.part, units, part) then return 0, 0 end
  return minus(definition.weight, state.units, state.part, units, part)
end

-- Lets the debt leak.
local function leak(definition, state, now)
  state.units, state.part = owed(definition, state, now)
  state.at = now
  -- The debt has fallen: no mark may lie above it.
  if state.marks[1] then collapse(state.marks, #state.marks, state.units, state.part) end
end

-- The first microsecond by which so many more units have leaked out.
local function leakedAt(definition, now, units, part)
  local rate = definition.rate
  local time, rest = mulDiv(units, definition.weight, rate)
  local more = floor(part / rate)
  part = part - more * rate
  time = time + more
  if rest > rate - part then time = time + 2
  elseif rest > 0 or part > 0 then time = time + 1 end
  return now + time
end
`;

/** The functions for settlements and readings, which only some calls need. */
export const settlements = /* lua */ `
-- Adds units, above the ceiling if need be.
local function charge(definition, state, now, units)
  leak(definition, state, now)
  local room = definition.mostUnits - state.units
  if definition.mostPart < state.part then room = room - 1 end
  if units > room then
    state.units, state.part = definition.mostUnits, definition.mostPart
  else
    state.units = state.units + units
  end
end

local function giveBack(definition, state, now, units, token)
  leak(definition, state, now)
  return refund(definition, state, units, token)
end

-- The units that have not leaked out yet; a part of a unit counts as one.
local function used(definition, state, now)
  local units, part = owed(definition, state, now)
  return part > 0 and units + 1 or units
end

-- When a debt above the ceiling, which takes longer than a window, has leaked out.
local function overdue(definition, state, now)
  return leakedAt(definition, now, state.units, state.part)
end

-- The units and the part of one that are left.
local function rest(definition, state, now)
  return owed(definition, state, now)
end

-- Runs the debt up to that of so many units, if it is less.
local function raise(definition, state, now, units)
  leak(definition, state, now)
  if state.units < units then state.units, state.part = units, 0 end
end

local function forget(definition, state, now)
  state.at, state.units, state.part, state.marks = now, 0, 0, {}
end

-- The first microsecond at which no debt is left.
local function fullAt(definition, state, now)
  local units, part = owed(definition, state, now)
  if units == 0 and part == 0 then return now end
  return leakedAt(definition, now, units, part)
end
`;
