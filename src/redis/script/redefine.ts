/**
 * Gives a set new definitions. Units in use stay in use if the new set has a limit of the same key, kind and unit. Marks are
 * dropped, so that earlier reservations give nothing back.
 */
export const redefine = /* lua */ `
local function redefine(old, now, lease)
  local function identityOf(spec)
    return match(spec, "^(%d+) ") .. match(spec, "^[%d ]+(%[.*)$")
  end

  local fields, byName = redis.call("HGETALL", key), {}
  for i = 1, #fields, 2 do byName[fields[i]] = fields[i + 1] end
  local oldSpecs, oldIndex, newIndex = {}, {}, {}
  for line in gmatch(old, "[^\\n]+") do
    oldSpecs[#oldSpecs + 1] = line
    oldIndex[identityOf(line)] = #oldSpecs
  end
  for index, spec in ipairs(specs) do
    local from = oldIndex[identityOf(spec)]
    if from then newIndex[from] = index end
  end
  local changes = { "d", definitionText, "q", "" }
  local function change(field, value)
    changes[#changes + 1] = field
    changes[#changes + 1] = value
  end
  for index in ipairs(oldSpecs) do
    if not newIndex[index] then redis.call("HDEL", key, index) end
  end
  local inUse = {}
  for name, value in pairs(byName) do
    if sub(name, 1, 1) == "s" then
      local expires, last, holding, answer = match(value, SESSION)
      local held = {}
      for index, count in pairs(parsePairs(holding)) do
        local to = newIndex[index]
        if to then
          held[to] = count
          inUse[to] = (inUse[to] or 0) + count
        end
      end
      change(name, expires .. " " .. last .. " " .. writePairs(held) .. " " .. answer)
    end
  end
  local taken = {}
  for index, to in pairs(newIndex) do
    local before, after = parseSpec(oldSpecs[index]), parseSpec(specs[to])
    local algorithm, value = after.algorithm, byName[tostring(index)]
    taken[to] = true
    if after.kind == RESOURCE then
      change(to, format("%d", inUse[to] or 0))
    elseif value then
      local state = algorithm.read(value)
      if after.kind <= 3 then
        -- The same units in use; a part of a unit counts as one.
        state = { at = now, units = algorithm.used(before, state, now), part = 0, marks = {} }
        state.units = math.min(state.units, after.mostUnits)
      elseif after.kind == 5 then
        state = { number = floor(now / after.window), count = algorithm.used(before, state, now) }
      end
      change(to, algorithm.write(state))
    else
      redis.call("HDEL", key, to)
    end
  end
  for index in ipairs(specs) do
    if not taken[index] then redis.call("HDEL", key, index) end
  end
  redis.call("HSET", key, unpack(changes))
  -- How long the states must be kept is not known for limits that this call does not touch: at least the longest window.
  local longest = lease
  for _, spec in ipairs(specs) do longest = math.max(longest, parseSpec(spec).window) end
  redis.call("HSET", key, "x", format("%d", now + longest))
  if not isInjected then redis.call("PEXPIRE", key, format("%d", math.ceil(longest / 1000) + 1)) end
  redis.pcall("PUBLISH", key, sid)
end
`;
