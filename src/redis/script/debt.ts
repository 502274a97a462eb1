/** `assembly/algorithms/debt.ts`: what token bucket, GCRA and leaky bucket have in common. */
export const debt = /* lua */ `
local debt = {}

function debt.read(stored)
  if not stored then return { at = 0, units = 0, part = 0, marks = {} } end
  local number = gmatch(stored, "%d+")
  local state = { at = tonumber(number()), units = tonumber(number()), part = tonumber(number()), marks = {} }
  for tick in number do
    state.marks[#state.marks + 1] =
      { tick = tonumber(tick), units = tonumber(number()), part = tonumber(number()) }
  end
  return state
end

function debt.write(state)
  local stored = format("%.0f %.0f %.0f", state.at, state.units, state.part)
  for _, mark in ipairs(state.marks) do
    stored = stored .. format(" %.0f %.0f %.0f", mark.tick, mark.units, mark.part)
  end
  return stored
end

local function tickOf(definition, time)
  return floor(time / definition.tick)
end

-- What is left of the debt; changes nothing.
local function owed(definition, state, now)
  local elapsed = tickOf(definition, now) - state.at
  if elapsed <= 0 or (state.units == 0 and state.part == 0) then return state.units, state.part end
  if elapsed > definition.idle then return 0, 0 end
  local units, part = mulDiv(elapsed, definition.rate, definition.weight)
  if isLess(state.units, state.part, units, part) then return 0, 0 end
  return minus(definition.weight, state.units, state.part, units, part)
end

-- Lets debt leak.
local function leak(definition, state, now)
  state.units, state.part = owed(definition, state, now)
  state.at = tickOf(definition, now)
  lowerMarks(state)
end

-- The first microsecond at which so much more than now has leaked out.
local function leakedAt(definition, now, units, part)
  local rate = definition.rate
  local ticks, rest = mulDiv(units, definition.weight, rate)
  local more = floor(part / rate)
  part = part - more * rate
  ticks = ticks + more
  if rest > rate - part then ticks = ticks + 2
  elseif rest > 0 or part > 0 then ticks = ticks + 1 end
  return (tickOf(definition, now) + ticks) * definition.tick
end

-- Adds usage that nobody asked for beforehand, above the ceiling if need be.
function debt.charge(definition, state, now, units)
  leak(definition, state, now)
  local room = definition.mostUnits - state.units
  if definition.mostPart < state.part then room = room - 1 end
  if units > room then
    state.units, state.part = definition.mostUnits, definition.mostPart
  else
    state.units = state.units + units
  end
end

-- Units not leaked out yet; a part of one counts as one.
function debt.used(definition, state, now)
  local units, part = owed(definition, state, now)
  return part > 0 and units + 1 or units
end

function debt.giveBack(definition, state, now, units, taken)
  leak(definition, state, now)
  refund(definition, state, units, tickOf(definition, taken))
end

-- When a debt above the ceiling, which a window does not suffice for, has leaked out.
function debt.overdue(definition, state, now)
  return state.units > definition.ceiling and leakedAt(definition, now, state.units, state.part) or 0
end
`;
