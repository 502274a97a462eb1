/**
 * A session is one process's holdings under a lease, which ends unless it is renewed. It also stores the answer to its last
 * batch, so that a batch whose answer was lost can be sent again without being done again.
 *
 * Its field has packed doubles. If the front half has done its last batch, the session holds nothing, and the field has when that was, and the
 * number of the batch: it ends the longest lease of the set later. Else it has when it ends, the number of its last batch, the length of its
 * lease; then the resources it holds, and behind a space the answer to the batch.
 */
export const sessions = /* lua */ `
local SESSION, PLAIN_SESSION = 24, 16
local LEAKY_BUCKET, SLIDING_WINDOW, FIXED_WINDOW, RESOURCE, CALENDAR = 3, 4, 5, 6, 10

-- When a session ends, and the resources that it holds, as text.
local function holdingOf(text)
  local expires = unpackFrom("<d", text)
  if #text == PLAIN_SESSION then return expires + longestLease, "" end
  return expires, match(text, "^%S*", SESSION + 1)
end
`;

/** Ends the sessions that have not been renewed in time. No function, since making one would cost every call. */
export const endSessions = /* lua */ `
  everything, due = everything or redis.call("HGETALL", key), NEVER
  for i = 1, #everything, 2 do
    local name, text = everything[i], everything[i + 1]
    if text and sub(name, 1, 1) == "s" and name ~= sessionName then
      local expires, holding = holdingOf(text)
      if expires <= now then
        removals[#removals + 1] = name
        if find(holding, "@", 1, true) then
          -- What it held in partitions counts no more.
          doomed, cameBack, returned = doomed or {}, true, nil
          doomed[#doomed + 1] = key .. ":" .. name
        end
        for index, units in pairs(parsePairs(holding)) do
          local definition, state = limitOf(index)
          definition.algorithm.giveBack(state, units, { [index] = units }, index)
          isChanged[index] = true
          comesBack(index)
        end
      elseif holding == "-" or holding == "" then
        -- The end of a session that holds nothing helps no waiter: such sessions are ended together, now and then.
        due = math.min(due, math.max(expires, now + lease / 8))
      else
        due = math.min(due, expires)
      end
    end
  end
`;
