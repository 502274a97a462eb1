/**
 * Gives a set new definitions. Units in use stay in use if the new set has a limit of the same key, kind and unit. Marks are
 * dropped, so that earlier reservations give nothing back. Nothing is written here: the states and the sessions are changed in
 * memory, and the call writes them at its end. No function, since making one would cost every call.
 */
export const redefine = /* lua */ `
  local function identityOf(spec)
    return match(spec, "^(%d+) ") .. match(spec, "(%[.*)$")
  end

  everything = redis.call("HGETALL", key)
  local byName = {}
  for i = 1, #everything, 2 do byName[everything[i]] = everything[i + 1] end
  local oldSpecs, oldIndex, newIndex = {}, {}, {}
  for line in gmatch(found[1], "[^\\n]+") do
    oldSpecs[#oldSpecs + 1] = line
    oldIndex[identityOf(line)] = #oldSpecs
  end
  for index, spec in ipairs(specs) do
    local from = oldIndex[identityOf(spec)]
    if from then newIndex[from] = index end
  end
  local inUse = {}
  for i = 1, #everything, 2 do
    local name = everything[i]
    if sub(name, 1, 1) == "s" then
      local expires, seq, holding, answer = match(everything[i + 1], SESSION)
      local isOwn = sub(name, 2) == sid
      if not isOwn and tonumber(expires) <= now then
        removals[#removals + 1] = name
        everything[i + 1] = false
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
        else
          everything[i + 1] = expires .. " " .. seq .. " " .. writePairs(holds) .. " " .. answer
          change(name, everything[i + 1])
        end
      end
    end
  end
  for index, to in pairs(newIndex) do
    local before, after = parseSpec(oldSpecs[index], index), parseSpec(specs[to], to)
    local algorithm, value, state = after.algorithm, byName[tostring(index)]
    if after.kind == RESOURCE then
      state = { inUse = inUse[to] or 0 }
    elseif value then
      state = algorithm.read(value)
      if after.kind <= 3 then
        -- The same units in use; a part of a unit counts as one.
        state = { at = now, units = algorithm.used(before, state, now), part = 0, marks = {} }
        state.units = math.min(state.units, after.mostUnits)
      elseif after.kind == 5 then
        state = { number = floor((now - ahead) / after.window), count = algorithm.used(before, state, now) }
      end
    end
    if state then definitions[to], states[to], isChanged[to] = after, state, true end
  end
  for index = 1, math.max(#oldSpecs, #specs) do
    stored[index] = false
    if byName[tostring(index)] and not isChanged[index] then removals[#removals + 1] = index end
  end
  change("d", definitionText)
  -- Refunds go by the latest time, and the debts have leaked up to now.
  latest, isTaken = now, true
`;
