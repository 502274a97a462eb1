import { wide } from "./wide.ts";

/**
 * The front half of the script: a take of token buckets and GCRA limits where nothing stands in the way, written straight down. It makes no
 * function and no table, reads two fields and writes them. Everything else goes on to the half behind it, in the same call.
 *
 * It takes what a batch of such requests takes together: where the sum fits, they are granted one by one too, and leave the same state.
 * The answer is the stamp of the grants; or minus the wait in microseconds, of a try that the only limit refuses.
 *
 * The debts of most sets are narrow: each is one number, units x weight + part. Where one of them may be too large for that, all are wide (see wide.ts).
 *
 * Most of what it costs is texts that are made and numbers that are packed, of which there are as few as can be. A number is rounded down by
 * `x - x % 1`, since a call of a function takes three times as long.
 */
export const front = /* lua */ `
local arguments, call = ARGV, redis.call
local key, bulkName, sessionName, isWhole, reading = KEYS[1], arguments[1], arguments[2], arguments[6], arguments[5]
local unpackFrom, isInjected = struct.unpack, false
if not reading or reading == "" then
  local time = call("TIME")
  reading = time[1] * 1000000 + time[2]
else
  reading, isInjected = tonumber(reading), true
end
local form, seq, low, high, argument
if isWhole then
  seq = tonumber(arguments[3])
else
  local request = arguments[3]
  form, seq, low, high, argument = unpackFrom("<BI6I7I7", request)
  local isWide = form > 3
  if isWide then form = form - 4 end
  local found = call("HMGET", key, bulkName, sessionName)
  local bulk, session = found[1], found[2]
  -- The half behind has to have the definitions, and the session.
  if not bulk or not session then return "need" end
  local untilAt, latest, ceiling, weight, rate, marks, at, debt, from = unpackFrom("<dddddBdd", bulk)
  local set, free = reading, untilAt
  if untilAt < 0 then set, free = set + unpackFrom("<d", bulk, #bulk - 7), -untilAt end
  local now = set > latest and set or latest
  if now < free and now - set <= 1000000 and (#session == 16 or string.sub(session, 25, 26) == "- ") and unpackFrom("<d", session, 9) < seq then
    local pack = struct.pack
    -- How far the bulk is in what will be written: the first three parts of it, or those before and two more.
    local copied, record, changed, second, third = 17, 17
    if isWide then
${wide}
    end
    while marks >= 16 do
      local wanted, stored, n = low + 128 * high, marks - 16, marks - 16
      if marks >= 24 then stored, n = marks - 24, marks - 23 end
      local following = from + 16 * stored
      if wanted > 0 then
        local last, elapsed = debt, now - at
        -- The debt leaks.
        if elapsed > 0 then
          debt = debt - elapsed * rate
          if debt < 0 then debt = 0 end
        end
        local total, most = debt + wanted * weight, ceiling * weight
        if total > most then
          -- Only the wait of a try at a single limit is told here.
          if form == 1 and record == 17 and argument > #request and wanted <= ceiling and total < 9007199254740992 then
            local excess = total - most
            local wait = excess / rate
            wait = wait - wait % 1
            if wait * rate < excess then wait = wait + 1 end
            return set - now - wait
          end
          break
        end
        -- No mark may lie above the debt: those that do become one.
        local t1, d1, t2, d2, t3, d3, t4, d4
        if debt == 0 then
          n = 0
        elseif n > 0 then
          if stored == 1 then t1, d1 = unpackFrom("<dd", bulk, from)
          elseif stored == 2 then t1, d1, t2, d2 = unpackFrom("<dddd", bulk, from)
          elseif stored == 3 then t1, d1, t2, d2, t3, d3 = unpackFrom("<dddddd", bulk, from)
          elseif stored == 4 then t1, d1, t2, d2, t3, d3, t4, d4 = unpackFrom("<dddddddd", bulk, from) end
          -- The last one was the debt itself.
          if n > stored then
            if n == 1 then t1, d1 = at, last
            elseif n == 2 then t2, d2 = at, last
            elseif n == 3 then t3, d3 = at, last
            else t4, d4 = at, last end
          end
          if d1 >= debt then n, d1 = 1, debt
          elseif n > 1 and d2 >= debt then n, d2 = 2, debt
          elseif n > 2 and d3 >= debt then n, d3 = 3, debt
          elseif n > 3 and d4 >= debt then n, d4 = 4, debt end
        end
        -- The debt right after the reservation is the last mark, which is not written. A full stack drops the one that is nearest to the one before it.
        if n == 0 or (n == 1 and t1 ~= now) or (n == 2 and t2 ~= now) or (n == 3 and t3 ~= now) then
          n = n + 1
        elseif n == 4 and t4 ~= now then
          local a, b, c = d2 - d1, d3 - d2, d4 - d3
          if b < a then
            if c >= b then t3, d3 = t4, d4 end
          elseif c >= a then
            t2, d2, t3, d3 = t3, d3, t4, d4
          end
        end
        if record == 17 then
          changed = pack(n == 1 and "<dddddBdd" or n == 2 and "<dddddBdddd" or n == 3 and "<dddddBdddddd" or "<dddddBdddddddd",
            untilAt, now, ceiling, weight, rate, n + 23, now, total, t1, d1, t2, d2, t3, d3)
        else
          local part = pack(n == 1 and "<dddBdd" or n == 2 and "<dddBdddd" or n == 3 and "<dddBdddddd" or "<dddBdddddddd",
            ceiling, weight, rate, n + 23, now, total, t1, d1, t2, d2, t3, d3)
          if copied < record then part = string.sub(bulk, copied, record - 1) .. part end
          if not changed then changed = pack("<dd", untilAt, now) .. part
          elseif not second then second = part
          elseif not third then third = part
          else changed, second, third = changed .. second .. third .. part end
        end
        copied = following
      end
      if argument > #request then
        if copied <= #bulk then changed = changed .. (second or "") .. (third or "") .. string.sub(bulk, copied)
        elseif second then changed = changed .. second .. (third or "") end
        call("HSET", key, bulkName, changed, sessionName, pack("<dd", now, seq))
        return now
      end
      record = following
      low, high, argument = unpackFrom("<I7I7", request, argument)
      ceiling, weight, rate, marks, at, debt, from = unpackFrom("<dddBdd", bulk, record)
    end
  end
end
`;
