import { SLOT } from "../slots.ts";

/** The counterpart of `assembly/claims.ts`: of all sessions, the waiter that was passed over for longest has one claim. */
export const claims = /* lua */ `
-- The claim of the waiter, of any session, that was passed over for longest: for a while, no later request passes it.
local claim
local isClaimed, asks = isOther, false
local ends = now + lease
if stored.q and stored.q ~= "" and not isOther then
  local since, untilAt, owner, hangs, wants = match(stored.q, "^(%d+) (%d+) (%S+) (%d) (.*)$")
  claim = {
    since = tonumber(since), untilAt = tonumber(untilAt), owner = owner, hangs = hangs == "1", wants = parsePairs(wants), text = wants,
  }
  if slots then
    for index, id, count in gmatch(wants, "(%d+)@(%S-)=(%d+)") do
      for number, slot in ipairs(slots) do
        if slot.id == id then claim.wants[number * ${SLOT} + tonumber(index)] = tonumber(count) end
      end
    end
  end
end

-- The limits at which the claim holds a request back: they could not grant the claim's units beside those of the request. nil if
-- there are none.
local function claimedFrom(request, since)
  if not claim or claim.owner == sid or claim.untilAt <= now or claim.since + GRACE >= since then return nil end
  if request.isNested and claim.hangs then return nil end
  local claimed
  local base, batch = demandsBefore(request)
  for index, wanted in pairs(claim.wants) do
    local count = request.counts[index]
    if count then
      local definition, state = limitOf(index)
      local demand = wanted + (base[index] or 0) + (batch[index] or 0)
      -- A leaky bucket grants one request after the other. A shadow keeps nothing for others.
      if not definition.isShadow and (definition.kind == LEAKY_BUCKET
        or definition.algorithm.readyAt(definition, state, now, count, demand) ~= 0) then
        claimed = claimed or {}
        claimed[#claimed + 1] = index
      end
    end
  end
  return claimed
end

-- As \`refusal\`, with the claim: also whether that holds the request back, and whether it alone does so until a release.
local function refusalBehind(request, since)
  local ready, refusing, passed = refusal(request)
  local claimed = ready < NEVER and claimedFrom(request, since)
  if not claimed then return ready, refusing, false, false, passed end
  local isHung, untilAt = ready == 0 and claim.hangs, claim.untilAt
  -- It could go, but for a claim whose owner may have ended: the owner has to renew the claim soon.
  if isHung then untilAt = math.min(untilAt, now + PATIENCE) end
  refusing = refusing or {}
  for _, index in ipairs(claimed) do refusing[#refusing + 1] = refused(index, untilAt) .. "k" end
  return math.max(ready, untilAt), refusing, true, isHung, passed
end
`;
