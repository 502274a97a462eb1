import { passPartitions } from "./partitions.ts";

/**
 * Gives a set other limits: heritage.ts has the rules. Nothing is written here: the states and the sessions are changed in memory, and
 * the call writes them at its end. No function, since making one would cost every call.
 *
 * The caller tells what carries over, and for each limit that goes on `index:old:ratio`: one unit of the old limit is `ratio` units.
 */
export const redefine = /* lua */ `
  local mode, heirs = match(redefinition, "^(%S+) ?(.*)$")
  local oldSpecs, inherited = specsOf(from), heritage(mode, now)

  everything = redis.call("HGETALL", key)
  local byName = {}
  for i = 1, #everything, 2 do byName[everything[i]] = everything[i + 1] end
  local newIndex, oldPauses, goesOn = {}, pauses, {}
  local ratios = {}
  for to, from, ratio in gmatch(heirs, "(%d+):(%d+):(%S+)") do
    newIndex[tonumber(from)], ratios[tonumber(from)] = tonumber(to), tonumber(ratio)
  end
  local inUse = {}
  for i = 1, #everything, 2 do
    local name = everything[i]
    if sub(name, 1, 1) == "s" then
      local expires, holding = holdingOf(everything[i + 1])
      local isOwn = name == sessionName
      if not isOwn and expires <= now then
        removals[#removals + 1] = name
        everything[i + 1] = false
        if find(holding, "@", 1, true) then
          doomed = doomed or {}
          doomed[#doomed + 1] = key .. ":" .. name
        end
      else
        local holds = {}
        for index, units in pairs(parsePairs(holding)) do
          local to = newIndex[index]
          if to then
            holds[to] = units
            inUse[to] = (inUse[to] or 0) + units
          end
        end
        if isOwn then
          held, isWritten = holds, true
        elseif #everything[i + 1] > SESSION then
          local text = everything[i + 1]
          everything[i + 1] = sub(text, 1, SESSION) .. writePairs(holds) .. (match(holding, "@%d+") or "") .. sub(text, SESSION + 1 + #holding)
          change(name, everything[i + 1])
        end
      end
    end
  end
  pauses, isPauseChanged = {}, true
  for index = 1, #specs do stored[index] = false end
  local _, oldPlaces = packedIn(oldSpecs)
  local records = bulk and recordsIn(bulk) or {}
  for index, to in pairs(newIndex) do
    local old, new = parseSpec(oldSpecs[index], index), parseSpec(specs[to], to)
    local state
    if find(specs[to], "\\tper", 1, true) then
      state = new.algorithm.read(false)
    elseif new.kind == RESOURCE then
      state = { inUse = inUse[to] or 0 }
    else
      local text = records[oldPlaces[index]] or byName[tostring(index)]
      state = inherited(old, old.algorithm.read(text or false, old), new, ratios[index])
    end
    pauses[to] = oldPauses[index]
    definitions[to], states[to], goesOn[to] = new, state, true
    -- Partitions go over one by one.
    isChanged[to] = not find(specs[to], "\\tper", 1, true) or nil
  end
  for index = 1, #specs do
    local definition, state = limitOf(index)
    if definition.missing > 0 and (mode == "fresh" or not goesOn[index]) then
      lowerTo(definition, state, definition.missing)
      isChanged[index] = true
    end
  end
  for index = 1, math.max(#oldSpecs, #specs) do
    if byName[tostring(index)] and (not isChanged[index] or placeOf[index]) then removals[#removals + 1] = index end
  end
  if byName["q"] then removals[#removals + 1] = "q" end
  if isOther then removals[#removals + 1] = knownName end
${passPartitions}
  change("d", definitionText)
  change("K", json)
  -- Refunds go by the latest time, and the debts have leaked up to now. The new limits may want the key for less time, or for more.
  latest, isTaken, isWritten, cameBack, returned, shrinks = now, true, true, true, nil, true
`;
