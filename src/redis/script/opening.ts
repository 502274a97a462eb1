import { SLOT } from "../slots.ts";

/** Reads the partitions of the call, and makes limits of them. */
export const openPartitions = /* lua */ `
if slots then
  -- Whether the holdings of a session count.
  local function isAlive(holder)
    if holder == sid then return session end
    if per.alive[holder] == nil then
      local text = redis.call("HGET", key, "s" .. holder)
      per.alive[holder] = text and holdingOf(text) > now or false
    end
    return per.alive[holder]
  end

  local function specIn(list, index, tier)
    local spec = list[index] or ""
    local from = tier ~= "" and find(spec, "\\t" .. tier .. " ", 1, true)
    return from and sub(spec, from + #tier + 2) or spec
  end

  -- The dimension of a limit, as its definition tells it.
  local function dimensionIn(list, index)
    return match(list[index] or "", "\\tper [^\\t]*")
  end

  -- How partitions go over from an era to the next.
  local function stepFrom(era)
    local step = per.steps[era]
    if step then return step end
    local text = redis.call("GET", key .. format(":e%d", era))
    if not text then return nil end
    local mode, at, epoch, moved, movedAt, heirs, limits, paused, old =
      match(text, "^(%S+) (%d+) (%d+) (%d+) (%d+) ([^\\n]*)\\n([^\\n]*)\\n([^\\n]*)\\n(.*)$")
    step = {
      mode = mode, at = tonumber(at), heirs = heirs,
      common = {
        epoch = tonumber(epoch), ahead = tonumber(moved), movedAt = tonumber(movedAt), limits = per.parse(limits),
        pauses = parsePairs(paused), specs = specsOf(old),
      },
    }
    per.steps[era] = step
    return step
  end

  -- What is used of a fixed window at a moment.
  local function usedAt(definition, state, at, was)
    return floor((at - was.ahead) / definition.window) == state.number and state.count or 0
  end

  -- Does to a partition what has been done to all since it was written.
  local function follow(was, common)
    if was.ahead ~= common.ahead then
      for index, state in pairs(was.states) do
        local definition = was.definitions[index]
        if definition.kind == CALENDAR then
          if state.ending ~= 0 then definition.algorithm.move(state, common.movedAt) end
        elseif definition.kind == FIXED_WINDOW and state.count > 0 then
          state.count = usedAt(definition, state, common.movedAt, was)
          state.number = floor((common.movedAt - common.ahead) / definition.window)
        end
      end
    end
    for index, at in pairs(common.limits) do
      if at.resumed > was.epoch then was.pauses[index] = nil end
      if at.paused > was.epoch and dimensionIn(common.specs, index) == was.dimension then was.pauses[index] = math.max(was.pauses[index] or 0, common.pauses[index] or 0) end
      local definition = was.definitions[index]
      if definition and at.reset > was.epoch and definition.kind ~= RESOURCE then
        was.states[index] = definition.algorithm.read(false)
      end
    end
    was.epoch, was.ahead = common.epoch, common.ahead
  end

  -- Whether a partition answers as one that was never used.
  local function isRecovered(was, at, common)
    local all = common.pauses
    if was.holders[1] then return false end
    for index, untilAt in pairs(was.pauses) do
      if untilAt > at and untilAt ~= all[index] then return false end
    end
    for index, untilAt in pairs(all) do
      if untilAt > at and untilAt ~= was.pauses[index] and dimensionIn(common.specs, index) == was.dimension then return false end
    end
    for index, state in pairs(was.states) do
      local definition = was.definitions[index]
      local kind, used = definition.kind, 0
      if kind == FIXED_WINDOW then used = usedAt(definition, state, at, was)
      elseif kind == CALENDAR then used = (state.ending >= 0 and at >= state.ending) and 0 or state.count
      elseif kind ~= RESOURCE then used = definition.algorithm.used(definition, state, at) end
      if used > 0 then return false end
    end
    return true
  end

  -- Adds the limits of a partition that it has never used.
  local function addUnused(was, list)
    for other, spec in ipairs(list) do
      if not was.definitions[other] and match(spec, "\\tper [^\\t]*") == was.dimension then
        local definition = parseSpec(specIn(list, other, was.tier), other)
        was.definitions[other], was.states[other] = definition, definition.algorithm.read(false)
      end
    end
  end

  -- A partition goes over to the next era. Returns false if it had recovered by then, or is older than all that is known.
  local function passOn(was)
    local step = stepFrom(was.era)
    if not step then return false end
    follow(was, step.common)
    if isRecovered(was, step.at, step.common) then return false end
    if step.mode == "available" then addUnused(was, step.common.specs) end
    local list = specs
    if was.era + 1 < per.era then
      local following = stepFrom(was.era + 1)
      -- All partitions had recovered by the redefinition after this one: so nothing was noted.
      if not following then return false end
      list = following.common.specs
    end
    local passed = { definitions = {}, states = {}, pauses = {}, holders = {} }
    local present = ahead
    ahead = was.ahead
    local inherited, newIndex = heritage(step.mode, step.at), {}
    for to, from, ratio in gmatch(step.heirs, "(%d+):(%d+):(%S+)") do
      to, from = tonumber(to), tonumber(from)
      newIndex[from], passed.pauses[to] = to, was.pauses[from]
      local old = was.definitions[from]
      if old then
        local new = parseSpec(specIn(list, to, was.tier), to)
        passed.definitions[to] = new
        passed.states[to] = new.kind == RESOURCE and was.states[from] or inherited(old, was.states[from], new, tonumber(ratio))
      end
    end
    ahead = present
    for _, holder in ipairs(was.holders) do
      local units = {}
      for index, count in pairs(holder.units) do
        if newIndex[index] then units[newIndex[index]] = count end
      end
      if next(units) then passed.holders[#passed.holders + 1] = { sid = holder.sid, units = units } end
    end
    was.definitions, was.states, was.pauses, was.holders = passed.definitions, passed.states, passed.pauses, passed.holders
    was.era = was.era + 1
    -- A tier that has ended does not come back with its name.
    local isKnown = was.tier == ""
    for _, spec in ipairs(list) do isKnown = isKnown or find(spec, "\\t" .. was.tier .. " ", 1, true) end
    if not isKnown then was.tier = "" end
    return true
  end

  -- A view of another tier has asked: what is used stays used.
  local function turnTo(was, tier)
    local inherited
    was.before = { definitions = was.definitions, states = was.states }
    was.definitions, was.states = {}, {}
    for index, old in pairs(was.before.definitions) do
      was.definitions[index], was.states[index] = old, was.before.states[index]
      local spec = specIn(specs, index, tier)
      if old.kind ~= RESOURCE and spec ~= specIn(specs, index, was.tier) then
        local new = parseSpec(spec, index)
        was.definitions[index] = new
        -- The calendar is the same: so the count goes on in its window.
        if old.kind ~= CALENDAR or new.kind ~= CALENDAR then
          inherited = inherited or heritage("used", now)
          was.states[index] = inherited(old, was.states[index], new, 1)
        end
      elseif old.kind == RESOURCE then
        was.definitions[index] = parseSpec(spec, index)
      end
    end
    was.tier = tier
  end

  local function holdersOf(text)
    local list = {}
    for holder, units in gmatch(text or "", "(%S+) (%S+)") do
      if isAlive(holder) then list[#list + 1] = { sid = holder, units = parsePairs(units) } end
    end
    return list
  end

  local function headOf(text)
    if not text then return nil end
    local expires, life, era, epoch, moved, paused, tier = match(text, "^(%d+) (%S+) (%d+) (%d+) (%d+) (%S+) (.*)$")
    return {
      expires = tonumber(expires), life = life, era = tonumber(era), epoch = tonumber(epoch), ahead = tonumber(moved),
      pauses = parsePairs(paused), tier = tier,
    }
  end

  local common = { epoch = per.epoch, ahead = ahead, movedAt = tonumber(stored.m or 0), limits = per.limits, pauses = pauses, specs = specs }
  if isBehind then common.movedAt = now end

  per.dimensionIn = dimensionIn
  per.open = function(slot, base)
    slot.key = key .. ":" .. slot.id
    for _, index in ipairs(slot.touched) do
      -- What is held is known of all resources together, and its end may let the partition expire.
      if sub(specs[index] or "", 1, 2) == "5 " then slot.isFull = true end
    end
    local names = { "d" }
    for i, index in ipairs(slot.touched) do names[i + 1] = index end
    local values = redis.call("HMGET", slot.key, unpack(names))
    local head, was = headOf(values[1]), nil
    slot.isKnown = head ~= nil
    -- Of another life of the set: as if it had never been used.
    if head and head.life ~= per.life then head = nil end
    slot.isWhole = not head
    local isPresent = head and head.era == per.era and head.epoch == per.epoch and head.ahead == ahead
      and slot.tier == head.tier
    if head and (slot.isFull or not isPresent) then
      slot.isFull, slot.isWhole = true, not isPresent
      was = head
      was.states, was.definitions = {}, {}
      local list = specs
      if was.era ~= per.era then
        local step = stepFrom(was.era)
        list = step and step.common.specs or {}
      end
      local all = redis.call("HGETALL", slot.key)
      for i = 1, #all, 2 do
        local index = tonumber(all[i])
        if all[i] == "h" then was.holders, slot.hadHolders = holdersOf(all[i + 1]), all[i + 1] ~= ""
        elseif index and list[index] then
          local definition = parseSpec(specIn(list, index, was.tier), index)
          was.definitions[index], was.states[index] = definition, definition.algorithm.read(all[i + 1])
        end
      end
      was.holders = was.holders or {}
      -- It may have a pause only.
      local one = next(was.states) or was.holders[1] and next(was.holders[1].units)
      was.dimension = dimensionIn(list, one) or dimensionIn(specs, slot.touched[1])
      while was and was.era < per.era do
        if not passOn(was) then was = nil end
      end
      slot.isWhole = slot.isWhole or not was
      if was then
        follow(was, common)
        -- One that has recovered is as never used, and so it has no tier.
        if slot.isKept and was.tier ~= slot.tier and isRecovered(was, now, common) then was = nil end
      end
      if was then
        if not slot.isKept and was.tier ~= slot.tier then turnTo(was, slot.tier) end
      end
    elseif head then
      was = head
      was.definitions, was.states, was.holders = {}, {}, {}
      for i, index in ipairs(slot.touched) do
        local definition = parseSpec(specIn(specs, index, was.tier), index)
        was.definitions[index], was.states[index] = definition, definition.algorithm.read(values[i + 1])
      end
    end
    if was then slot.expires = was.expires
    else
      -- As a name that was never seen: paused as all are.
      was = { tier = slot.tier, pauses = {}, definitions = {}, states = {}, holders = {} }
      was.dimension = dimensionIn(specs, slot.touched[1])
      for index, untilAt in pairs(pauses) do
        if untilAt > now and was.dimension and dimensionIn(specs, index) == was.dimension then was.pauses[index] = untilAt end
      end
      slot.isFull = true
    end
    slot.tier, slot.pauses, slot.before, slot.dimension = was.tier, was.pauses, was.before, was.dimension
    local sums = {}
    for _, holder in ipairs(was.holders) do
      for index, units in pairs(holder.units) do
        sums[index] = (sums[index] or 0) + units
        if holder.sid == sid then
          held[base + index], slot.wasHeld = units, true
        end
      end
      if holder.sid ~= sid then slot.others[#slot.others + 1] = holder end
    end
    for index in pairs(sums) do slot.touched[#slot.touched + 1] = index end
    for index in pairs(was.pauses) do slot.touched[#slot.touched + 1] = index end
    for _, index in ipairs(slot.touched) do
      if specs[index] and not was.definitions[index] then
        local definition = parseSpec(specIn(specs, index, was.tier), index)
        was.definitions[index], was.states[index] = definition, definition.algorithm.read(false)
      end
    end
    for index, definition in pairs(was.definitions) do
      local at = base + index
      local state = was.states[index]
      if definition.kind == RESOURCE then state = { inUse = sums[index] or 0 } end
      slot.limits[index], definitions[at], states[at], pauses[at] = at, definition, state, was.pauses[index]
    end
  end

  for _, argument in ipairs(operations) do
    -- Those that the session holds in go on, some with each renewal.
    if argument == "R" and parted > 0 then
      local most = math.max(64, math.ceil(parted * lease / HOLD))
      local known = {}
      for _, slot in ipairs(slots) do known[slot.id] = slot end
      local ids = redis.call("ZRANGEBYSCORE", key .. ":s" .. sid, "-inf", format("%d", now + HOLD / 2), "LIMIT", 0, most)
      for _, id in ipairs(ids) do
        if not known[id] then
          known[id] = { id = id, isKept = true, tier = "", touched = {}, limits = {}, pauses = {}, others = {}, expires = 0 }
          slots[#slots + 1] = known[id]
        end
        known[id].isFull, known[id].isProlonged = true, true
      end
    end
  end
  for number, slot in ipairs(slots) do per.open(slot, number * ${SLOT}) end
end
`;
