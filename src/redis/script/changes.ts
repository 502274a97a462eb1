import { SLOT } from "../slots.ts";
import { changePartitions } from "./closing.ts";

/** The operations that change limits and take nothing, and the reading of all limits. They are no functions, since making one would cost every call. */

/** The limits of a set that begin with `initial`: it is as if the missing part had been taken now. */
export const begin = /* lua */ `
  for index = 1, #specs do
    local definition, state = limitOf(index)
    if definition.missing > 0 then
      lowerTo(definition, state, definition.missing)
      isChanged[index], latest, isTaken = true, now, true
    end
  end
`;

/** Runs the use of a rate up to that of so many units. */
export const lower = /* lua */ `
local function lowerTo(definition, state, units)
  local algorithm = definition.algorithm
  if definition.kind == RESOURCE or units <= 0 then return end
  if algorithm.raise then
    algorithm.raise(definition, state, now, units)
  else
    if algorithm.turn then algorithm.turn(definition, state, now) end
    local more = units - algorithm.used(definition, state, now)
    if more > 0 then algorithm.charge(definition, state, now, more) end
  end
end
`;

export const change = /* lua */ `
    local values = requests[i].counts
    if code == "Z" then
      -- A microsecond has two halves. Grants of the later one must not give back what is granted after yet another reset.
      local mayGiveBack = false
      for index in pairs(now + 1 == resetAt and values or NOTHING) do
        local definition, state = limitOf(index)
        if definition.kind == CALENDAR then mayGiveBack = mayGiveBack or state.count > 0 end
        for _, mark in ipairs(state.marks or NOTHING) do mayGiveBack = mayGiveBack or mark.time == now + 0.5 end
        mayGiveBack = mayGiveBack or find(specs[index] or "", "\\tper", 1, true) ~= nil
      end
      if mayGiveBack then now = now + 1 end
      resetAt, stamp, isPauseChanged = now + 1, now + 0.5, true
    end
    for index, value in pairs(values) do
      local definition, state = limitOf(index)
      if code == "H" then
        local micros = tonumber(match(argument, "^H(%d+)"))
        pauses[index] = math.max(pauses[index] or 0, micros and math.min(now + micros, MOST) or MOST)
        isPauseChanged = true
      elseif code == "G" then
        -- A pause without an end has kept the key from its expiry.
        if pauses[index] then pauses[index], isPauseChanged, shrinks = nil, true, true end
      elseif code == "B" then
        lowerTo(definition, state, definition.ceiling - value)
        isChanged[index] = true
      elseif definition.kind ~= RESOURCE then
        definition.algorithm.forget(definition, state, now)
        if value > 0 then definition.algorithm.charge(definition, state, now, value) end
        isChanged[index] = true
      end
    end
${changePartitions}
    for index in pairs(values) do
      if code == "G" or code == "Z" then comesBack(index) end
      if returned and (code == "H" or code == "G") then returned[index], isPaused = "!", true end
    end
    latest, isTaken, isWritten = now, true, true
`;

/** `#`, and for each limit: the units in use, how long one unit would wait behind the waiters, and how long until nothing is in use. */
export const inspect = /* lua */ `
    local list, inside = {}, {}
    for at in pairs(requests[i].views) do inside[at % ${SLOT}] = at end
    for index = 1, #specs do
      local at = inside[index] or index
      local definition, state = limitOf(at)
      local algorithm = definition.algorithm
      local wait, full = "0", algorithm.fullAt(definition, state, now)
      if not definition.isShadow then
        wait = waitText(ask(at, 1, (requests[i].demand[at] or 0) + (before[at] or 0)))
      end
      list[index] = format("%d:", algorithm.used(definition, state, now)) .. wait .. ":" .. (full == now and "0" or waitText(full))
    end
    answer = "#" .. concat(list, ",")
`;

/** The windows of calendars that the caller has told. Asks for those that are not known, and does nothing then. */
export const calendars = /* lua */ `
if windows ~= "" then
  for index, from, to in gmatch(windows, "(%d+):(%d+):(%d+)") do
    index = tonumber(index)
    told[index] = told[index] or {}
    table.insert(told[index], { from = tonumber(from), to = tonumber(to) })
  end
  local asked = {}
  for index in pairs(isTouched) do
    local definition, state = limitOf(index)
    if definition.kind == CALENDAR then
      local paused = pauses[index] or 0
      for _, moment in ipairs({ now, paused > now and paused < MOST and paused or now }) do
        if not definition.algorithm.isKnown(definition, state, moment) then
          asked[#asked + 1] = format("%d:%d", definition.index, moment - ahead)
        end
      end
    end
  end
  if asked[1] then return "ask " .. concat(asked, ",") end
end
`;
