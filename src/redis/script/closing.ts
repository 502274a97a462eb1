/** The end of a call of the script that names partitions: what is to be written of them, each with its own expiry. */
import { SLOT } from "../slots.ts";

/** When the state of a limit will be as if it had never been used, or later. */
export const lastsUntil = /* lua */ `
  local untilAt = now + definition.window
  -- A debt above the ceiling takes longer than its window.
  if state.units and state.units > definition.ceiling then
    untilAt = math.max(untilAt, definition.algorithm.overdue(definition, state, now))
  elseif definition.kind == CALENDAR then
    -- No window is four times as long as the shortest of its kind.
    untilAt = math.max(untilAt, state.ending, now + 4 * definition.window)
  end
`;

/** Notes a change of limits that concerns all partitions, and does it to those of the call; or one of a partition's pauses. */
export const changePartitions = /* lua */ `
    if per then
      for index in pairs(values) do
        local number, of = floor(index / ${SLOT}), index % ${SLOT}
        if number > 0 then
          slots[number].pauses[of], slots[number].isDirty = pauses[index], true
        elseif code ~= "B" and find(specs[index], "\\tper", 1, true) then
          per.epoch, per.isChanged = per.epoch + 1, true
          local at = per.limits[index] or { reset = 0, resumed = 0, paused = 0 }
          at[code == "H" and "paused" or code == "G" and "resumed" or "reset"] = per.epoch
          per.limits[index] = at
          isChanged[index] = nil
          for each, slot in ipairs(slots) do
            local inside = each * ${SLOT} + index
            slot.isWhole = true
            if per.dimensionIn(specs, index) ~= slot.dimension then
              -- It has no such limit.
            elseif code == "G" then pauses[inside], slot.pauses[index] = nil, nil
            elseif code == "H" then
              pauses[inside] = math.max(slot.pauses[index] or 0, pauses[index])
              slot.pauses[index] = pauses[inside]
            elseif definitions[inside] and definitions[inside].kind ~= RESOURCE then
              states[inside], isChanged[inside] = definitions[inside].algorithm.read(false), true
            end
          end
        end
      end
    end
`;

/** Takes what concerns partitions out of what the set's own key will have. Each order writes something. */
export const closePartitions = /* lua */ `
if slots then
  local orders, sessionKey = per.orders, key .. ":s" .. sid
  local function ttlUntil(at)
    local ttl = math.ceil((at - now) / 1000)
    if isInjected then ttl = math.max(ttl, 3600000) end
    return format("%d", ttl)
  end

  per.close = function(slot)
    local partKey, fields, expires = slot.key, {}, now
    local own, isHeld = {}, slot.others[1] ~= nil
    if not slot.isFull then expires = slot.expires end
    for index, at in pairs(slot.limits) do
      local definition, state = definitions[at], states[at]
      if definition.kind == RESOURCE then
        if (held[at] or 0) > 0 then own[#own + 1], isHeld = format("%d:%d", index, held[at]), true end
      elseif isChanged[at] or slot.isFull then
        if isChanged[at] or definition.algorithm.used(definition, state, now) > 0 then
${lastsUntil}
          expires = math.max(expires, untilAt)
        end
        if isChanged[at] or slot.isWhole then
          fields[#fields + 1], fields[#fields + 2] = format("%d", index), definition.algorithm.write(state)
        end
      end
    end
    if slot.isFull then
      for index, untilAt in pairs(slot.pauses) do
        if untilAt ~= pauses[index] then expires = math.max(expires, untilAt) end
      end
      for index, untilAt in pairs(pauses) do
        local isOther = index < ${SLOT} and untilAt > now and untilAt ~= slot.pauses[index]
        if isOther and slot.dimension and per.dimensionIn(specs, index) == slot.dimension then
          expires = math.max(expires, untilAt)
        end
      end
      local list = {}
      for _, holder in ipairs(slot.others) do list[#list + 1] = holder.sid .. " " .. writePairs(holder.units) end
      if own[1] then list[#list + 1] = sid .. " " .. concat(own, ",") end
      if list[1] or slot.hadHolders then fields[#fields + 1], fields[#fields + 2] = "h", concat(list, "\\n") end
    end
    if isHeld then expires = math.max(expires, now + HOLD) end
    if expires <= now then
      -- It has recovered.
      if slot.isKnown then orders[#orders + 1] = function() redis.call("DEL", partKey) end end
    else
      local isMoved = slot.isProlonged or expires > slot.expires or slot.expires - now > 2 * (expires - now)
      -- A quarter longer than needed, so that not every call has to extend it.
      if isMoved then slot.expires = math.min(expires + math.ceil((expires - now) / 4), MOST) end
      if isMoved or slot.isFull then
        if not per.life then per.life, per.isChanged = format("%d", now) .. sub(sid, 1, 8), true end
        fields[#fields + 1], fields[#fields + 2] = "d", format("%d ", slot.expires) .. per.life
          .. format(" %d %d %d ", per.era, per.epoch, ahead) .. per.pausesOf(slot) .. " " .. slot.tier
      end
      local isAnew, ttl = slot.isWhole and slot.isKnown, isMoved and ttlUntil(slot.expires)
      if isAnew then ttl = ttlUntil(slot.expires) end
      orders[#orders + 1] = function()
        if isAnew then redis.call("DEL", partKey) end
        for first = 1, #fields, PIECE do
          redis.call("HSET", partKey, unpack(fields, first, math.min(first + PIECE - 1, #fields)))
        end
        if ttl then redis.call("PEXPIRE", partKey, ttl) end
      end
      if slot.expires > per.lasts then
        per.lasts, per.isChanged = math.min(slot.expires + math.ceil((slot.expires - now) / 4), MOST), true
      end
    end
    local id, at = slot.id, format("%d", slot.expires)
    if own[1] then
      if not slot.wasHeld then parted = parted + 1 end
      orders[#orders + 1] = function()
        redis.call("ZADD", sessionKey, at, id)
        redis.call("PEXPIRE", sessionKey, format("%d", math.ceil(HOLD / 500)))
      end
    elseif slot.wasHeld or slot.isProlonged then
      if slot.wasHeld then parted = parted - 1 end
      orders[#orders + 1] = function() redis.call("ZREM", sessionKey, id) end
    end
  end
  per.pausesOf = function(slot)
    local paused = {}
    for index, untilAt in pairs(slot.pauses) do
      if untilAt > now then paused[#paused + 1] = format("%d:%d", index, untilAt) end
    end
    return paused[1] and concat(paused, ",") or "-"
  end
  for _, slot in ipairs(slots) do
    local isDirty = slot.isDirty or slot.isProlonged
    for _, at in pairs(slot.limits) do isDirty = isDirty or isChanged[at] end
    if isDirty then per.close(slot) end
  end
  for _, slot in ipairs(slots) do
    for _, at in pairs(slot.limits) do isChanged[at], held[at], pauses[at] = nil, nil, nil end
  end
  if per.isChanged then change("g", per.life and per.life .. format(" %d %d %d ", per.era, per.epoch, per.lasts) .. per.write(per.limits) or "") end
end
`;
