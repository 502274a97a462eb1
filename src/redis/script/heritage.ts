/**
 * The counterpart of `assembly/inherit.ts`: the state of a limit under its old definition is settled to a moment, and the state under the
 * new one begins with what is left. No function of every call, since making one would cost it.
 */
export const heritage = /* lua */ `
-- Returns the function that does it at the microsecond \`at\`. One unit of the old limit is \`ratio\` units of the new one.
local heritage
if turns or slots then
  heritage = function(mode, at)
    -- More units than this are not carried over. Ratios of units, and products with them, are off by a few roundings.
    local MOST_CARRIED, ROUNDING = MOST, 8.881784197001252e-16
    local mulDivOnce = division()

    -- So many units in units of another size. A part of one counts as one if it is rounded up, and else as none.
    local function converted(units, ratio, up)
      if ratio == 1 then return units end
      local exact = units * ratio
      local whole = floor(exact + 0.5)
      if math.abs(exact - whole) > exact * ROUNDING then whole = up and math.ceil(exact) or floor(exact) end
      return math.min(whole, MOST_CARRIED)
    end

    local function carried(old, new, used, ratio)
      if mode == "proportional" then
        local units, rest = mulDivOnce(used, new.ceiling, old.ceiling)
        return math.min(rest > 0 and units + 1 or units, MOST_CARRIED)
      elseif mode == "available" then
        local free = old.ceiling - used
        local units = new.ceiling - (free < 0 and -converted(-free, ratio, true) or converted(free, ratio, false))
        return math.max(0, math.min(units, MOST_CARRIED))
      end
      return converted(used, ratio, true)
    end

    -- Units and a part of one, under the new definition.
    local function debtOf(old, new, units, rest, up)
      local part, over = mulDivOnce(rest, new.weight, old.weight)
      if up and over > 0 then part = part + 1 end
      if part >= new.weight then units, part = units + 1, part - new.weight end
      if units > new.mostUnits or (units == new.mostUnits and part > new.mostPart) then return new.mostUnits, new.mostPart end
      return units, part
    end

    -- A debt goes on with so many units more. Fewer leave no marks: they would refund what has been forgiven.
    local function passDebt(old, state, new, shift)
      local units, rest = old.algorithm.rest(old, state, at)
      local passed = { at = at, units = 0, part = 0, marks = {} }
      if units + shift >= 0 then passed.units, passed.part = debtOf(old, new, units + shift, rest, true) end
      if shift < 0 or old.kind == LEAKY_BUCKET or new.kind == LEAKY_BUCKET then return passed end
      for _, mark in ipairs(state.marks) do
        local isAbove = mark.units > units or (mark.units == units and mark.part >= rest)
        local low, part = debtOf(old, new, isAbove and units or mark.units, isAbove and rest or mark.part, false)
        passed.marks[#passed.marks + 1] = { time = mark.time, units = low, part = part }
        if isAbove then break end
      end
      return passed
    end

    -- The log goes on, newest entries first, up to so many units. Returns the units that are left.
    local function passLog(state, passed, most, ratio)
      local entries, sum, total = {}, 0, 0
      for time, amount in gmatch(sub(state.log, state.from), "(%d+) (%d+) ") do
        entries[#entries + 1] = { tonumber(time), tonumber(amount) }
      end
      if state.count > 0 then entries[#entries + 1] = { state.time, state.amount } end
      local kept = {}
      for i = #entries, 1, -1 do
        if total >= most then break end
        sum = sum + entries[i][2]
        local upTo = math.min(converted(math.min(sum, MOST_CARRIED), ratio, true), most)
        table.insert(kept, 1, { entries[i][1], upTo - total })
        total = upTo
      end
      local log = {}
      for i = 1, #kept - 1 do log[i] = format("%d %d ", kept[i][1], kept[i][2]) end
      local last = kept[#kept]
      if last then
        passed.sum, passed.count, passed.time, passed.amount = total, #kept, last[1], last[2]
        passed.log = concat(log)
      end
      return most - total
    end

    local function inherited(old, state, new, ratio)
      local passed = new.algorithm.read(false)
      if mode == "fresh" then return passed end
      if mode ~= "proportional" and ratio == 1 and old.kind <= 3 and new.kind <= 3 then
        return passDebt(old, state, new, mode == "available" and new.ceiling - old.ceiling or 0)
      end
      local used
      if old.kind == CALENDAR then
        used = (state.ending >= 0 and at >= state.ending) and 0 or state.count
      else
        used = old.algorithm.used(old, state, at)
      end
      local units = carried(old, new, math.min(used, MOST_CARRIED), ratio)
      if new.kind == 4 and old.kind == 4 then units = passLog(state, passed, units, ratio) end
      if new.kind == CALENDAR then
        passed.ending, passed.count, passed.began = -at - 1, units, at
        -- Grants of the old window are in the count, and may still give back.
        if old.kind == CALENDAR and not (state.ending >= 0 and at >= state.ending) then passed.began = state.began end
      elseif units > 0 then
        new.algorithm.charge(new, passed, at, units)
      end
      return passed
    end
    return inherited
  end
end
`;
