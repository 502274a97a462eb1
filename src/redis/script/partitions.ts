/**
 * The partitions of a set: limits that have a state for each name. Each partition has a key of its own, that of the set followed by the
 * digest of its name, in the same slot. A limit of a partition is one more limit of the call, whose index is its own plus `SLOT` for
 * the first partition of the call, twice that for the second: so there is one code for limits of all and for these. The hash of a
 * partition has the states under the indexes of their limits, and besides:
 *
 * | field | holds |
 * |---|---|
 * | `d` | when the key expires; the life of the set, its era, and how many changes of all partitions it has followed; by how much the set's time was ahead of the clock; until when limits are paused; its tier |
 * | `h` | the sessions that hold resources of it, one a line |
 *
 * A partition has no list of its sessions' ends: units are in use while their session is one of the set's. What a session holds in is in a
 * sorted set of the session's own, by the time when the keys expire: each renewal of the lease prolongs the first of them.
 *
 * Nothing lists the partitions, so that what concerns all of them is noted in the field `g` of the set: its life, its era, how many
 * changes of all partitions there were, until when a partition may last; and for each limit the last reset, end of a pause, and pause
 * among these changes. A partition follows when it is next asked for. The set's own key lasts longer than any partition: a life of the
 * set ends with its key, and partitions of another life are as never used.
 */

/**
 * Reads which partitions the call names: behind an `@`, a line for each with its digest and its tier (behind a `*`: that which it has, if it has any). Before
 * that stands `below` if limits begin with less than all.
 */
export const slots = /* lua */ `
local beginsBelow, slots, HOLD = false
if partitions ~= "" then
  local below, list = match(partitions, "^([^@]*)(.*)$")
  beginsBelow = below ~= ""
  if list ~= "" then
    slots = {}
    -- For so long the key of a partition is kept at least in which something is held. Microseconds.
    HOLD = math.max(3600000000, 4 * lease)
    for id, tier in gmatch(sub(list, 2), "(%S+) ([^\\n]*)") do
      local isKept = sub(tier, 1, 1) == "*"
      if isKept then tier = sub(tier, 2) end
      slots[#slots + 1] = { id = id, isKept = isKept, tier = tier, touched = {}, limits = {}, pauses = {}, others = {}, expires = 0 }
    end
  end
end
`;

/** Reads what is noted of all partitions. */
export const commons = /* lua */ `
local per
if slots then
  local life, era, epoch, lasts, list = match(stored.g or "", "^(%S+) (%d+) (%d+) (%d+) ?(.*)$")
  per = {
    life = life, era = tonumber(era or 0), epoch = tonumber(epoch or 0), lasts = tonumber(lasts or 0),
    limits = {}, orders = {}, steps = {}, alive = {},
  }
  per.parse = function(text)
    local limits = {}
    for index, reset, resumed, paused in gmatch(text, "(%d+):(%d+):(%d+):(%d+)") do
      limits[tonumber(index)] = { reset = tonumber(reset), resumed = tonumber(resumed), paused = tonumber(paused) }
    end
    return limits
  end
  per.write = function(limits)
    local parts = {}
    for index, at in pairs(limits) do parts[#parts + 1] = format("%d:%d:%d:%d", index, at.reset, at.resumed, at.paused) end
    return concat(parts, ",")
  end
  per.limits = per.parse(list or "")
end
`;

/** The set has other limits: its partitions go over when they are asked for, as they were at this moment. */
export const passPartitions = /* lua */ `
  if per and per.life then
    local limits = {}
    for index, at in pairs(per.limits) do
      if newIndex[index] then limits[newIndex[index]] = at end
    end
    local step = {
      mode = mode, at = now, heirs = heirs,
      common = {
        specs = oldSpecs, epoch = per.epoch, ahead = ahead, movedAt = tonumber(stored.m or 0), limits = per.limits, pauses = oldPauses },
    }
    per.steps[per.era] = step
    -- With an injected clock the keys of partitions outlast its time.
    if per.lasts > now or isInjected then
      local era, ttl = per.era, math.ceil((per.lasts - now) / 1000)
      local paused = {}
      for index, untilAt in pairs(oldPauses) do paused[#paused + 1] = format("%d:%d", index, untilAt) end
      local text = format("%s %d %d %d %d ", mode, now, per.epoch, ahead, step.common.movedAt) .. heirs
        .. "\\n" .. per.write(per.limits) .. "\\n" .. concat(paused, ",") .. "\\n" .. from
      if isInjected then ttl = math.max(ttl, 3600000) end
      per.orders[#per.orders + 1] = function() redis.call("SET", key .. format(":e%d", era), text, "PX", format("%d", ttl)) end
    end
    per.era, per.limits, per.isChanged = per.era + 1, limits, true
  end
`;
