/**
 * The front half for sets of which some debt may be too large for one number: as in numbers.ts, each is whole units and a part of a unit. It
 * does the same as the loop for narrow debts.
 */
export const wide = /* lua */ `
    changed = ""
    local units, part
    at, units, part, from = unpackFrom("<ddd", bulk, 42)
    while marks < 16 do
      local wanted, stored, n = low + 128 * high, marks, marks
      if marks >= 8 then stored, n = marks - 8, marks - 7 end
      local following = from + 24 * stored
      if wanted > 0 then
        local lastUnits, lastPart = units, part
        -- The debt leaks.
        local elapsed = now - at
        if elapsed > 0 and (units > 0 or part > 0) then
          local product = elapsed * rate
          if product >= 9007199254740992 then break end
          local leaked = product / weight
          leaked = leaked - leaked % 1
          local rest = product - leaked * weight
          if units < leaked or (units == leaked and part < rest) then
            units, part = 0, 0
          else
            units, part = units - leaked, part - rest
            if part < 0 then units, part = units - 1, part + weight end
          end
        end
        local excess = wanted - (ceiling - units)
        if excess > 0 or (excess == 0 and part > 0) then
          local product = excess * weight
          -- Only the wait of a try at a single limit is told here.
          if form == 1 and record == 17 and argument > #request and wanted <= ceiling and product < 9007199254740992 then
            local wait, more = product / rate, part / rate
            wait, more = wait - wait % 1, more - more % 1
            local rest = product - wait * rate
            wait, part = wait + more, part - more * rate
            if rest > rate - part then wait = wait + 2
            elseif rest > 0 or part > 0 then wait = wait + 1 end
            return set - now - wait
          end
          break
        end
        -- No mark may lie above the debt: those that do become one.
        local t1, u1, p1, t2, u2, p2, t3, u3, p3, t4, u4, p4
        if n > 0 then
          if units == 0 and part == 0 then
            n = 0
          else
            if stored == 1 then t1, u1, p1 = unpackFrom("<ddd", bulk, from)
            elseif stored == 2 then t1, u1, p1, t2, u2, p2 = unpackFrom("<dddddd", bulk, from)
            elseif stored == 3 then t1, u1, p1, t2, u2, p2, t3, u3, p3 = unpackFrom("<ddddddddd", bulk, from)
            elseif stored == 4 then t1, u1, p1, t2, u2, p2, t3, u3, p3, t4, u4, p4 = unpackFrom("<dddddddddddd", bulk, from) end
            -- The last one was the debt itself.
            if n > stored then
              if n == 1 then t1, u1, p1 = at, lastUnits, lastPart
              elseif n == 2 then t2, u2, p2 = at, lastUnits, lastPart
              elseif n == 3 then t3, u3, p3 = at, lastUnits, lastPart
              else t4, u4, p4 = at, lastUnits, lastPart end
            end
            if u1 > units or (u1 == units and p1 >= part) then n, u1, p1 = 1, units, part
            elseif n > 1 and (u2 > units or (u2 == units and p2 >= part)) then n, u2, p2 = 2, units, part
            elseif n > 2 and (u3 > units or (u3 == units and p3 >= part)) then n, u3, p3 = 3, units, part
            elseif n > 3 and (u4 > units or (u4 == units and p4 >= part)) then n, u4, p4 = 4, units, part end
          end
        end
        -- The debt right after the reservation is the last mark, which is not written. A full stack drops the one that is nearest to the one before it.
        if n == 0 or (n == 1 and t1 ~= now) or (n == 2 and t2 ~= now) or (n == 3 and t3 ~= now) then
          n = n + 1
        elseif n == 4 and t4 ~= now then
          local a, x, b, y, c, z = u2 - u1, p2 - p1, u3 - u2, p3 - p2, u4 - u3, p4 - p3
          if x < 0 then a, x = a - 1, x + weight end
          if y < 0 then b, y = b - 1, y + weight end
          if z < 0 then c, z = c - 1, z + weight end
          if b < a or (b == a and y < x) then
            if not (c < b or (c == b and z < y)) then t3, u3, p3 = t4, u4, p4 end
          elseif not (c < a or (c == a and z < x)) then
            t2, u2, p2, t3, u3, p3 = t3, u3, p3, t4, u4, p4
          end
        end
        units = units + wanted
        if record == 17 then
          changed = pack(n == 1 and "<dddddBddd" or n == 2 and "<dddddBdddddd" or n == 3 and "<dddddBddddddddd" or "<dddddBdddddddddddd",
            untilAt, now, ceiling, weight, rate, n + 7, now, units, part, t1, u1, p1, t2, u2, p2, t3, u3, p3)
        else
          if copied == 17 then changed = pack("<dd", untilAt, now) end
          if copied < record then changed = changed .. string.sub(bulk, copied, record - 1) end
          changed = changed .. pack(n == 1 and "<dddBddd" or n == 2 and "<dddBdddddd" or n == 3 and "<dddBddddddddd" or "<dddBdddddddddddd",
            ceiling, weight, rate, n + 7, now, units, part, t1, u1, p1, t2, u2, p2, t3, u3, p3)
        end
        copied = following
      end
      if argument > #request then
        if copied <= #bulk then changed = changed .. string.sub(bulk, copied) end
        call("HSET", key, bulkName, changed, sessionName, pack("<dd", now, seq))
        return now
      end
      record = following
      low, high, argument = unpackFrom("<I7I7", request, argument)
      ceiling, weight, rate, marks, at, units, part, from = unpackFrom("<dddBddd", bulk, record)
    end
`;
