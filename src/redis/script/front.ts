/**
 * The front half of the script: a take of token buckets and GCRA limits where nothing stands in the way, written straight down. It makes no
 * function and no table, reads two fields and writes them. Everything else goes on to the half behind it, in the same call.
 *
 * It takes what a batch of such requests takes together: where the sum fits, they are granted one by one too, and leave the same state.
 * The answer is the stamp of the grants; or minus the wait in microseconds, of a try that the only limit refuses.
 */
export const front = /* lua */ `
local key, bulkName, sessionName, form = KEYS[1], ARGV[1], ARGV[2], ""
local seq, reading, isInjected = tonumber(ARGV[3]), "", false
if not seq then
  form, seq, reading = string.match(ARGV[3], "^(%a?)(-?%d+) ?(%d*)$")
  seq = tonumber(seq)
end
if reading == "" then
  local time = redis.call("TIME")
  reading = time[1] * 1000000 + time[2]
else
  reading, isInjected = tonumber(reading), true
end
local isOnce = seq < 0
if isOnce then seq = -seq end
if form ~= "w" then
  local arguments, unpackFrom = ARGV, struct.unpack
  local found = redis.call("HMGET", key, bulkName, sessionName)
  local bulk, session = found[1], found[2]
  -- The half behind has to have the definitions, and the session.
  if not bulk or not session then return "need" end
  local untilAt, ahead, size, ceiling, weight, rate, idle, window, constantsAt = unpackFrom("<dddddddd", bulk)
  local latest, at, units, part, marks, from = unpackFrom("<ddddd", bulk, size + 1)
  local _, last, lease = unpackFrom("<ddd", session)
  local set = reading + ahead
  local now = set > latest and set or latest
  if last < seq and now < untilAt and now - set <= 1000000 and (#session == 24 or string.sub(session, 25, 26) == "- ") then
    local pack, sub, floor = struct.pack, string.sub, math.floor
    local count, changed, copied = #arguments, "", size + 9
    if form == "l" then count = count - 1 end
    local i, isPlain = 4, true
    while true do
      local wanted = tonumber(arguments[i])
      if wanted > 0 then
        -- The debt leaks.
        local elapsed = now - at
        if elapsed > 0 and (units > 0 or part > 0) then
          if elapsed > idle then
            units, part = 0, 0
          else
            local product = elapsed * rate
            if product >= 9007199254740992 then isPlain = false break end
            local leaked = floor(product / weight)
            local rest = product - leaked * weight
            if units < leaked or (units == leaked and part < rest) then
              units, part = 0, 0
            else
              units, part = units - leaked, part - rest
              if part < 0 then units, part = units - 1, part + weight end
            end
          end
        end
        local excess = wanted - (ceiling - units)
        if excess > 0 or (excess == 0 and part > 0) then
          local product = excess * weight
          if count == 4 and isOnce and wanted <= ceiling and product < 9007199254740992 then
            local wait = floor(product / rate)
            local rest, more = product - wait * rate, floor(part / rate)
            wait, part = wait + more, part - more * rate
            if rest > rate - part then wait = wait + 2
            elseif rest > 0 or part > 0 then wait = wait + 1 end
            return set - now - wait
          end
          isPlain = false
          break
        end
        -- No mark may lie above the debt: those that do become one.
        local n, following = marks, from + 24 * marks
        local t1, u1, p1, t2, u2, p2, t3, u3, p3, t4, u4, p4
        if n > 0 then
          if units == 0 and part == 0 then
            n = 0
          else
            if n == 1 then t1, u1, p1 = unpackFrom("<ddd", bulk, from)
            elseif n == 2 then t1, u1, p1, t2, u2, p2 = unpackFrom("<dddddd", bulk, from)
            elseif n == 3 then t1, u1, p1, t2, u2, p2, t3, u3, p3 = unpackFrom("<ddddddddd", bulk, from)
            else t1, u1, p1, t2, u2, p2, t3, u3, p3, t4, u4, p4 = unpackFrom("<dddddddddddd", bulk, from) end
            if u1 > units or (u1 == units and p1 >= part) then n, u1, p1 = 1, units, part
            elseif n > 1 and (u2 > units or (u2 == units and p2 >= part)) then n, u2, p2 = 2, units, part
            elseif n > 2 and (u3 > units or (u3 == units and p3 >= part)) then n, u3, p3 = 3, units, part
            elseif n > 3 and (u4 > units or (u4 == units and p4 >= part)) then n, u4, p4 = 4, units, part end
          end
        end
        -- The debt right after the reservation is a mark. A full stack drops the one that is nearest to the one before it.
        units = units + wanted
        if n == 0 then
          n, t1, u1, p1 = 1, now, units, part
        elseif n == 1 then
          if t1 == now then u1, p1 = units, part else n, t2, u2, p2 = 2, now, units, part end
        elseif n == 2 then
          if t2 == now then u2, p2 = units, part else n, t3, u3, p3 = 3, now, units, part end
        elseif n == 3 then
          if t3 == now then u3, p3 = units, part else n, t4, u4, p4 = 4, now, units, part end
        else
          if t4 ~= now then
            local a, x, b, y, c, z = u2 - u1, p2 - p1, u3 - u2, p3 - p2, u4 - u3, p4 - p3
            if x < 0 then a, x = a - 1, x + weight end
            if y < 0 then b, y = b - 1, y + weight end
            if z < 0 then c, z = c - 1, z + weight end
            if b < a or (b == a and y < x) then
              if not (c < b or (c == b and z < y)) then t3, u3, p3 = t4, u4, p4 end
            elseif not (c < a or (c == a and z < x)) then
              t2, u2, p2, t3, u3, p3 = t3, u3, p3, t4, u4, p4
            end
            t4 = now
          end
          u4, p4 = units, part
        end
        local form = n == 1 and "<dddddddd" or n == 2 and "<ddddddddddd" or n == 3 and "<dddddddddddddd" or "<ddddddddddddddddd"
        if i == 4 then
          changed = pack(form, now, now, units, part, n, t1, u1, p1, t2, u2, p2, t3, u3, p3, t4, u4, p4)
        else
          if changed == "" then changed = pack("<d", now) end
          if copied < from - 32 then changed = changed .. sub(bulk, copied, from - 33) end
          changed = changed .. sub(pack(form, now, now, units, part, n, t1, u1, p1, t2, u2, p2, t3, u3, p3, t4, u4, p4), 9)
        end
        from, copied = following, following
      else
        from = from + 24 * marks
      end
      i = i + 1
      if i > count then break end
      ceiling, weight, rate, idle, window, constantsAt = unpackFrom("<ddddd", bulk, constantsAt)
      at, units, part, marks, from = unpackFrom("<dddd", bulk, from)
    end
    if isPlain then
      local rest = copied > #bulk and "" or sub(bulk, copied)
      redis.call("HSET", key, bulkName, sub(bulk, 1, size) .. changed .. rest, sessionName, pack("<ddd", now + lease, seq, lease))
      return now
    end
  end
end
`;
