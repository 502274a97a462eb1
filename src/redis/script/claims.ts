import { SLOT } from "../slots.ts";

/**
 * The counterpart of `assembly/claims.ts`: a waiter that was passed over has a claim, if no older one waits at the limit that refuses it
 * longest. A claim carries the units that its waiter wants of each limit, which count as demand for later requests of other sessions.
 * So a claim keeps back only what would take from the units that its waiter needs, of the same limits and of the same partitions.
 */
export const claims = /* lua */ `
-- So many claims at most: where more waiters are passed over, the oldest have them. Each is a line of the field, with the limit at
-- which its waiter waits, and the units that it wants: \`index:units\`, of a partition \`index@digest=units\`.
local MOST_CLAIMS = 32

-- Made only where there are claims, or one may have to be made: most calls need none of them.
local nameOfLimit, limitCalled, claimsBefore, keptBy, contest, press, unclaim
local isClaiming = stored.q and stored.q ~= "" and not isOther
for _, argument in ipairs(operations) do isClaiming = isClaiming or find(argument, "^[TN]%d+ ") end
if isClaiming then
  function nameOfLimit(index)
    local slot = index >= ${SLOT} and slots[floor(index / ${SLOT})]
    return slot and format("%d@", index % ${SLOT}) .. slot.id or format("%d", index)
  end

  -- A limit of the call by the name that a claim has for it: its index, of a partition its index and the digest.
  function limitCalled(name)
    local index, id = match(name, "^(%d+)@(.+)$")
    if not id then return tonumber(name) end
    for number, slot in ipairs(slots or NOTHING) do
      if slot.id == id then return number * ${SLOT} + tonumber(index) end
    end
  end

  local function wantsBoth(claim, counts)
    local size = 0
    for index, units in pairs(counts) do
      if claim.wants[index] ~= units then return false end
      size = size + 1
    end
    return size == claim.size
  end

  -- Whether a claim is that of a waiter of this session which waits since then.
  local function isOwn(claim, counts, since)
    return claim.owner == sid and math.abs(claim.since - since) < GRACE and wantsBoth(claim, counts)
  end

  -- The claims that keep units from a request: those of other sessions that are older. A nested request may lead to the release for which the
  -- owner of one waits. nil if there are none.
  function claimsBefore(request, since)
    local before
    for _, claim in ipairs(claimed) do
      if claim.owner ~= sid and claim.since + GRACE < since and not (request.isNested and claim.hangs) then
        before = before or {}
        before[#before + 1] = claim
      end
    end
    return before
  end

  -- The units of a limit that claims keep, as demand; and how long at most. The owner of one that awaits a release has to renew it soon
  -- after \`from\`, when nothing but the claim keeps a request back: it may have ended.
  function keptBy(before, index, definition, from)
    local units, untilAt = 0, 0
    for _, claim in ipairs(before) do
      local wanted = claim.wants[index]
      if wanted then
        if definition.kind == LEAKY_BUCKET then wanted = definition.algorithm.demandOf(definition, wanted) end
        units = units + wanted
        untilAt = math.max(untilAt, claim.hangs and math.min(claim.untilAt, from + PATIENCE) or claim.untilAt)
      end
    end
    return units, untilAt
  end

  -- Claims that await a release keep back a request that could go: their owners have to renew them soon.
  function contest(before, counts)
    for _, claim in ipairs(before) do
      if claim.hangs and claim.untilAt > now + PATIENCE then
        for index in pairs(counts) do
          if claim.wants[index] then claim.untilAt, isClaimed, asks = now + PATIENCE, true, true break end
        end
      end
    end
  end

  -- Claims for a waiter that was passed over, and that limit \`at\` refuses longest, whatever others want; all limits together until
  -- \`ready\`.
  function press(request, since, ready, at)
    local own, youngest
    for place, claim in ipairs(claimed) do
      if isOwn(claim, request.counts, since) then own = claim
      elseif claim.at == at and claim.since <= since and not (request.isNested and claim.hangs) then return end
      if not youngest or claim.since > claimed[youngest].since then youngest = place end
    end
    local hangs = ready == NEVER
    local untilAt = hangs and ends or ready + PATIENCE
    -- Stored again only if it has changed, or ends soon.
    if own and own.hangs == hangs and own.at == at and own.untilAt >= (hangs and now + lease / 2 or untilAt) then return end
    if not own then
      local place = #claimed + 1
      if place > MOST_CLAIMS then
        if claimed[youngest].since <= since then return end
        place = youngest
      end
      local list, size = {}, 0
      for index, units in pairs(request.counts) do
        local name = nameOfLimit(index)
        size = size + 1
        list[size] = name .. (index < ${SLOT} and ":" or "=") .. format("%d", units)
      end
      own = { since = since, owner = sid, wants = request.counts, size = size, text = concat(list, ",") }
      claimed[place] = own
    end
    own.untilAt, own.hangs, own.at, own.atName, isClaimed = untilAt, hangs, at, nameOfLimit(at), true
  end

  -- A waiter has been granted: it claims nothing any more.
  function unclaim(counts, since)
    for place = #claimed, 1, -1 do
      if isOwn(claimed[place], counts, since) then
        table.remove(claimed, place)
        isClaimed = true
      end
    end
  end
end

if isClaiming and stored.q and not isOther then
  for since, untilAt, owner, hangs, at, text in gmatch(stored.q, "(%d+) (%d+) (%S+) (%d) (%S+) (%S+)") do
    untilAt = tonumber(untilAt)
    if untilAt > now then
      local wants, size = parsePairs(text), 0
      for index, id, count in gmatch(text, "(%d+)@([^=]+)=(%d+)") do
        local inside = limitCalled(index .. "@" .. id)
        if inside then wants[inside] = tonumber(count) end
        size = size + 1
      end
      for index in pairs(wants) do
        if index < ${SLOT} then size = size + 1 end
      end
      claimed[#claimed + 1] = {
        since = tonumber(since), untilAt = untilAt, owner = owner, hangs = hangs == "1", at = limitCalled(at), atName = at,
        wants = wants, size = size, text = text,
      }
    end
  end
end
`;

/** Writes the claims, and notes until when the front half must not take. */
export const writeClaims = /* lua */ `
if cameBack then
  for _, claim in ipairs(claimed) do
    -- The claim's owner hears of the release now; if it does not ask soon, it has ended.
    if claim.hangs and claim.untilAt > now + PATIENCE and (not returned or returned[claim.at] or returned[tonumber(match(claim.atName, "^%d+"))]) then
      claim.untilAt, isClaimed = now + PATIENCE, true
    end
  end
end
if isClaimed then
  local list = {}
  for place, claim in ipairs(claimed) do
    list[place] = format("%d %d %s %s ", claim.since, claim.untilAt, claim.owner, claim.hangs and "1" or "0") .. claim.atName .. " " .. claim.text
  end
  change("q", concat(list, "\\n"))
end
-- Until when a pause, a claim or a reset needs this half. It matters to the front half only what is claimed of limits that this takes from.
local guarded = resetAt
for _, claim in ipairs(claimed) do
  for index in pairs(claim.wants) do
    if placeOf[index] then guarded = math.max(guarded, claim.untilAt) end
  end
end
for _, untilAt in pairs(pauses) do guarded = math.max(guarded, untilAt) end
`;

/**
 * The message by which waiters of other sessions hear that something came back: the session, the name of the definitions, and the limits by
 * the names that claims have for them; behind a `!` those that were paused, or are not any more. Only the session if it may be any limit.
 */
export const writeReturned = /* lua */ `
  local message, names = sid, {}
  for index, mark in pairs(returned or NOTHING) do
    local slot = index >= ${SLOT} and slots[floor(index / ${SLOT})]
    names[#names + 1] = format("%d", index % ${SLOT}) .. (slot and "@" .. slot.id or "") .. mark
  end
  if names[1] and #names <= 64 and not isOther then message = concat({ sid, bulkName, unpack(names) }, " ") end
`;
