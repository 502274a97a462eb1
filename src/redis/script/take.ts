/** How a request takes of all its limits, or is refused by some; how an acquisition is settled. */
import { SLOT } from "../slots.ts";

export const take = /* lua */ `
-- What the waiters of this call want that have been refused so far, and what the granted ones have taken, by limit: of all waiters, and
-- of nested ones.
local before, nestedBefore, granted, nestedGranted, NONE = {}, {}, {}, {}, {}

local function isOverdrawn(totals, gone)
  for index, total in pairs(totals) do
    local definition, state = limitOf(index)
    if state.inUse + total - (gone[index] or 0) > definition.ceiling then return true end
  end
  return false
end

-- The demand before a request: what the waiters want that its process has not asked for now, and what those want that it has. A nested
-- request does not wait behind those that may wait, however indirectly, for what its own caller holds: see src/waiting/taint.ts.
local function demandsBefore(request)
  if not request.totals or not isOverdrawn(request.totals, granted) then return request.demand, before end
  if isOverdrawn(request.nestedTotals, nestedGranted) then return NONE, NONE end
  return request.nestedDemand, nestedBefore
end

-- The counterpart of \`assembly/partitions/sooner.ts\`: a partition is turned to another tier when something is taken from it. Until then what is
-- used goes back as under the tier that it has: so a wait goes by that.
local function sooner(index, count, demand, at, ready)
  local slot, of = slots[floor(index / ${SLOT})], index % ${SLOT}
  local old = slot.before and slot.before.definitions[of]
  if not old or (old.kind > LEAKY_BUCKET and old.kind ~= FIXED_WINDOW) then return ready end
  for _, each in pairs(slot.limits) do
    -- An operation before has turned it.
    if isChanged[each] then return ready end
  end
  if old.kind ~= LEAKY_BUCKET then demand = math.max(0, old.ceiling - definitions[index].ceiling + count + demand - 1) end
  local sooner = old.algorithm.readyAt(old, slot.before.states[of], at, 1, demand)
  return math.max(sooner, at) > now and math.max(sooner, at) or ready
end

-- When a limit would grant so many units behind a demand; 0 if now. Nothing passes before the end of a pause: so the limit is asked as
-- of then.
local function ask(index, count, demand)
  local definition, state = limitOf(index)
  local at, paused = now, pauses[index]
  if paused and paused > now then
    if paused >= MOST then return NEVER end
    if definition.isShadow then return paused end
    at = paused
  end
  if count > definition.ceiling then return NEVER end
  if at > now and definition.kind == SLIDING_WINDOW then state = definition.algorithm.read(definition.algorithm.write(state)) end
  local ready = definition.algorithm.readyAt(definition, state, at, count, demand)
  if ready == 0 and at > now then ready = at end
  if ready > 0 and ready < NEVER and index >= ${SLOT} then return sooner(index, count, demand, at, ready) end
  return ready
end

local function waitText(ready)
  if ready == 0 then return "0" end
  return ready == NEVER and "~" or format("%d", math.min(ready - reading, MOST))
end

local function refused(index, ready)
  return format("%d:", index) .. waitText(ready)
end

-- When all limits would grant a request, 0 if now; which refuse, each with its wait; and the shadows that let it pass. A \`k\` marks a limit
-- that would grant the request, and keeps its units for the waiters before; a \`!\` one that is paused for good. Windows add their facts, where waiters stand before.
local function refusal(request)
  local ready, refusing, passed = 0
  local base, batch = demandsBefore(request)
  for index, count in pairs(request.counts) do
    local demand = (base[index] or 0) + (batch[index] or 0)
    local at = ask(index, count, demand)
    if at ~= 0 then
      local definition, state = limitOf(index)
      if definition.isShadow then
        passed = passed or {}
        passed[#passed + 1] = index
      else
        refusing = refusing or {}
        local text = refused(index, at)
        if (pauses[index] or 0) >= MOST then text = text .. "!" end
        if demand > 0 then
          if ask(index, count, 0) == 0 then text = text .. "k" end
          local paused = pauses[index] or 0
          if definition.algorithm.facts and paused <= now then text = text .. definition.algorithm.facts(definition, state, now, reading) end
        end
        refusing[#refusing + 1] = text
        if at > ready then ready = at end
      end
    end
  end
  return ready, refusing, passed
end
`;

export const takeOrWait = /* lua */ `
-- A waiter has been refused: those behind it leave room for what it wants.
local function standBefore(request)
  waits = true
  for index, count in pairs(request.counts) do
    local definition = limitOf(index)
    if not definition.isShadow then
      local demand = count
      if definition.kind == LEAKY_BUCKET then demand = definition.algorithm.demandOf(definition, count) end
      before[index] = (before[index] or 0) + demand
      if request.isNested then nestedBefore[index] = (nestedBefore[index] or 0) + demand end
    end
  end
end

local function take(request, since)
  local counts, isOnce = request.counts, request.isOnce
  local ready, refusing, isHeld, isHung, passed = refusalBehind(request, since)
  -- Whether it waits for a release, its own or that of the claim: then nested requests still pass, since they may lead to it.
  local hangs = isHung or ready == NEVER
  if isHeld then
    if isHung then claim.untilAt, isClaimed, asks = ready, true, true end
  elseif ready > 0 and not isOnce and now - since > GRACE then
    local isOwn = claim and claim.owner == sid and math.abs(claim.since - since) < GRACE
    if not claim or claim.untilAt <= now or since < claim.since or isOwn then
      local untilAt = hangs and ends or ready + PATIENCE
      -- Stored again only if it has changed, or ends soon.
      if not isOwn or claim.hangs ~= hangs or claim.untilAt < (hangs and now + lease / 2 or untilAt) then
        claim, isClaimed = { since = since, untilAt = untilAt, owner = sid, hangs = hangs, wants = counts }, true
      end
    end
  end
  if ready > 0 then
    if not isOnce then standBefore(request) end
    return "-" .. concat(refusing, ",")
  end
  local isPassed = NONE
  if passed then
    isPassed = {}
    for _, index in ipairs(passed) do isPassed[index] = true end
  end
  for index, count in pairs(counts) do
    if isPassed[index] then
      -- A shadow that lets pass has been asked under the tier of the view.
      local slot = slots and slots[floor(index / ${SLOT})]
      if slot then slot.isDirty = true end
    else
      local definition, state = limitOf(index)
      definition.algorithm.take(definition, state, now, count, held, index)
      isChanged[index] = true
      if not isOnce then
        granted[index] = (granted[index] or 0) + count
        if request.isNested then nestedGranted[index] = (nestedGranted[index] or 0) + count end
      end
    end
  end
  if claim and claim.owner == sid and math.abs(claim.since - since) < GRACE then claim, isClaimed = nil, true end
  latest, isTaken, isWritten = now, true, true
  return "+" .. stampText(stamp) .. (passed and "/" .. concat(passed, ",") or "")
end

local function settle(counts, token)
  local at = latest
  for _, count in pairs(counts) do
    -- Only charges need the time: a debt that leaks later leaks from the rest.
    if count > 0 then at = now end
  end
  local answer = "."
  for index, count in pairs(counts) do
    local definition, state = limitOf(index)
    local algorithm = definition.algorithm
    if count > 0 then
      if definition.kind ~= RESOURCE then
        algorithm.charge(definition, state, at, count)
        isChanged[index] = true
      end
    elseif definition.kind == RESOURCE then
      if algorithm.giveBack(state, -count, held, index) > 0 then isChanged[index], cameBack = true, true end
    elseif algorithm.giveBack then
      local back = algorithm.giveBack(definition, state, at, -count, token)
      if back > 0 then answer = answer .. format("%d:%d,", index, back) end
      isChanged[index], cameBack = true, true
    end
    -- Other windows and a leaky bucket give nothing back.
  end
  latest, isTaken, isWritten = at, true, true
  return answer
end
`;
