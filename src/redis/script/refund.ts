/** The counterpart of `assembly/refund.ts`: how many unused units may go back. Marks are `{ time, units, part }`, oldest first, lows rising. */
export const marks = /* lua */ `
local MAX_MARKS = 4

-- Brings the first \`last\` marks down to a low: the marks at or above it become one, as old as the oldest of them.
local function collapse(marks, last, units, part)
  local kept = last
  while kept > 0 and not isLess(marks[kept].units, marks[kept].part, units, part) do kept = kept - 1 end
  if kept < last and (units > 0 or part > 0) then
    kept = kept + 1
    marks[kept].units, marks[kept].part = units, part
  end
  for at = last, kept + 1, -1 do table.remove(marks, at) end
end

-- Drops a mark from a full stack: the one that matters least, because its low is nearest to that of the mark before it.
local function dropMark(definition, marks)
  local drop, leastUnits, leastPart
  for i = 2, MAX_MARKS do
    local units, part =
      minus(definition.weight, marks[i].units, marks[i].part, marks[i - 1].units, marks[i - 1].part)
    if not drop or isLess(units, part, leastUnits, leastPart) then
      drop, leastUnits, leastPart = i, units, part
    end
  end
  table.remove(marks, drop)
end

-- Remembers the debt right after a reservation now.
local function pushMark(definition, state)
  local marks = state.marks
  local last = marks[#marks]
  if not last or last.time ~= stamp then
    if #marks == MAX_MARKS then dropMark(definition, marks) end
    last = { time = stamp }
    marks[#marks + 1] = last
  end
  last.units, last.part = state.units, state.part
end
`;

export const refund = /* lua */ `
-- Gives back as many as may go back of the units reserved at \`time\`: lowers the debt, and the later marks with it. Returns how many
-- whole units went back.
local function refund(definition, state, unused, time)
  local marks, weight = state.marks, definition.weight
  local after = #marks
  while after > 0 and marks[after].time > time do after = after - 1 end
  -- Without a mark as old as the reservation, debt has been zero since: nothing may go back.
  if after == 0 then return 0 end
  local low = marks[after]
  local units, part = unused, 0
  if isLess(low.units, low.part, units, part) then units, part = low.units, low.part end
  state.units, state.part = minus(weight, state.units, state.part, units, part)
  for i = after + 1, #marks do
    marks[i].units, marks[i].part = minus(weight, marks[i].units, marks[i].part, units, part)
  end
  -- The lowered debt may be the lowest since older reservations, too.
  collapse(marks, after, minus(weight, low.units, low.part, units, part))
  return units
end
`;
