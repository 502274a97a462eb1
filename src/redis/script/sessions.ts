/**
 * A session is one process's holdings under a lease, which ends unless it is renewed. It also stores the answer to its last
 * batch, so that a batch whose answer was lost can be sent again without being done again.
 */
export const sessions = /* lua */ `
local SESSION = "^(%d+) (%d+) (%S+) (.*)$"
local RESOURCE = 6

-- Ends the sessions that have not been renewed in time. Returns whether resources came back, and when to look again.
local function endSessions(now, lease)
  local fields, gone, cameBack, due = redis.call("HGETALL", key), {}, false, NEVER
  for i = 1, #fields, 2 do
    if sub(fields[i], 1, 1) == "s" and sub(fields[i], 2) ~= sid then
      local expires, _, holding = match(fields[i + 1], SESSION)
      expires = tonumber(expires)
      if expires <= now then
        gone[#gone + 1] = fields[i]
        for index, count in pairs(parsePairs(holding)) do
          local definition, state = limitOf(index)
          definition.algorithm.giveBack(state, count, { [index] = count }, index)
          isChanged[index], cameBack = true, true
        end
      elseif holding == "-" then
        -- The end of a session that holds nothing helps no waiter: such sessions are ended together, now and then.
        due = math.min(due, math.max(expires, now + lease / 8))
      else
        due = math.min(due, expires)
      end
    end
  end
  for first = 1, #gone, 1000 do redis.call("HDEL", key, unpack(gone, first, math.min(first + 999, #gone))) end
  return cameBack, due
end
`;
