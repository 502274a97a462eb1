/**
 * Gives a set other limits: the counterpart of `assembly/inherit.ts`. The state of a limit under its old definition is settled to now, and
 * the state under the new one begins with what is left. Nothing is written here: the states and the sessions are changed in memory, and
 * the call writes them at its end. No function, since making one would cost every call.
 *
 * The caller tells what carries over, and for each limit that goes on `index:old:ratio`: one unit of the old limit is `ratio` units.
 */
export const redefine = /* lua */ `
  local mode, heirs = match(ARGV[7], "^(%S+) ?(.*)$")
  -- More units than this are not carried over. Ratios of units, and products with them, are off by a few roundings.
  local MOST_CARRIED, ROUNDING = MOST, 8.881784197001252e-16
  local oldSpecs, mulDivOnce = specsOf(ARGV[10]), division()

  -- So many units in units of another size. A part of one counts as one if it is rounded up, and else as none.
  local function converted(units, ratio, up)
    if ratio == 1 then return units end
    local exact = units * ratio
    local whole = floor(exact + 0.5)
    if math.abs(exact - whole) > exact * ROUNDING then whole = up and math.ceil(exact) or floor(exact) end
    return math.min(whole, MOST_CARRIED)
  end

  local function carried(old, new, used, ratio)
    if mode == "proportional" then
      local units, rest = mulDivOnce(used, new.ceiling, old.ceiling)
      return math.min(rest > 0 and units + 1 or units, MOST_CARRIED)
    elseif mode == "available" then
      local free = old.ceiling - used
      local units = new.ceiling - (free < 0 and -converted(-free, ratio, true) or converted(free, ratio, false))
      return math.max(0, math.min(units, MOST_CARRIED))
    end
    return converted(used, ratio, true)
  end

  -- Units and a part of one, under the new definition.
  local function debtOf(old, new, units, rest, up)
    local part, over = mulDivOnce(rest, new.weight, old.weight)
    if up and over > 0 then part = part + 1 end
    if part >= new.weight then units, part = units + 1, part - new.weight end
    if units > new.mostUnits or (units == new.mostUnits and part > new.mostPart) then return new.mostUnits, new.mostPart end
    return units, part
  end

  -- A debt goes on with so many units more. Fewer leave no marks: they would refund what has been forgiven.
  local function passDebt(old, state, new, shift)
    local units, rest = old.algorithm.rest(old, state, now)
    local passed = { at = now, units = 0, part = 0, marks = {} }
    if units + shift >= 0 then passed.units, passed.part = debtOf(old, new, units + shift, rest, true) end
    if shift < 0 or old.kind == LEAKY_BUCKET or new.kind == LEAKY_BUCKET then return passed end
    for _, mark in ipairs(state.marks) do
      local isAbove = mark.units > units or (mark.units == units and mark.part >= rest)
      local low, part = debtOf(old, new, isAbove and units or mark.units, isAbove and rest or mark.part, false)
      passed.marks[#passed.marks + 1] = { time = mark.time, units = low, part = part }
      if isAbove then break end
    end
    return passed
  end

  -- The log goes on, newest entries first, up to so many units. Returns the units that are left.
  local function passLog(state, passed, most, ratio)
    local entries, sum, total = {}, 0, 0
    for time, amount in gmatch(sub(state.log, state.from), "(%d+) (%d+) ") do
      entries[#entries + 1] = { tonumber(time), tonumber(amount) }
    end
    if state.count > 0 then entries[#entries + 1] = { state.time, state.amount } end
    local kept = {}
    for i = #entries, 1, -1 do
      if total >= most then break end
      sum = sum + entries[i][2]
      local upTo = math.min(converted(math.min(sum, MOST_CARRIED), ratio, true), most)
      table.insert(kept, 1, { entries[i][1], upTo - total })
      total = upTo
    end
    local log = {}
    for i = 1, #kept - 1 do log[i] = format("%d %d ", kept[i][1], kept[i][2]) end
    local last = kept[#kept]
    if last then
      passed.sum, passed.count, passed.time, passed.amount = total, #kept, last[1], last[2]
      passed.log = concat(log)
    end
    return most - total
  end

  local function inherited(old, state, new, ratio)
    local passed = new.algorithm.read(false)
    if mode == "fresh" then return passed end
    if mode ~= "proportional" and ratio == 1 and old.kind <= 3 and new.kind <= 3 then
      return passDebt(old, state, new, mode == "available" and new.ceiling - old.ceiling or 0)
    end
    local used
    if old.kind == CALENDAR then
      used = (state.ending >= 0 and now >= state.ending) and 0 or state.count
    else
      used = old.algorithm.used(old, state, now)
    end
    local units = carried(old, new, math.min(used, MOST_CARRIED), ratio)
    if new.kind == 4 and old.kind == 4 then units = passLog(state, passed, units, ratio) end
    if new.kind == CALENDAR then
      passed.ending, passed.count, passed.began = -now - 1, units, now
      -- Grants of the old window are in the count, and may still give back.
      if old.kind == CALENDAR and not (state.ending >= 0 and now >= state.ending) then passed.began = state.began end
    elseif units > 0 then
      new.algorithm.charge(new, passed, now, units)
    end
    return passed
  end

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
  pauses, isPauseChanged = {}, true
  for index = 1, #specs do stored[index] = false end
  for index, to in pairs(newIndex) do
    local old, new = parseSpec(oldSpecs[index], index), parseSpec(specs[to], to)
    local state
    if new.kind == RESOURCE then
      state = { inUse = inUse[to] or 0 }
    else
      state = inherited(old, old.algorithm.read(byName[tostring(index)] or false), new, ratios[index])
    end
    pauses[to] = oldPauses[index]
    definitions[to], states[to], isChanged[to], goesOn[to] = new, state, true, true
  end
  for index = 1, #specs do
    local definition, state = limitOf(index)
    if definition.missing > 0 and (mode == "fresh" or not goesOn[index]) then
      lowerTo(definition, state, definition.missing)
      isChanged[index] = true
    end
  end
  for index = 1, math.max(#oldSpecs, #specs) do
    if byName[tostring(index)] and not isChanged[index] then removals[#removals + 1] = index end
  end
  if byName["q"] then removals[#removals + 1] = "q" end
  change("d", definitionText)
  change("E", ARGV[11])
  -- Refunds go by the latest time, and the debts have leaked up to now. The new limits may want the key for less time, or for more.
  latest, isTaken, isWritten, cameBack, shrinks = now, true, true, true, true
`;
