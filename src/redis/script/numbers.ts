/**
 * Lua's numbers are doubles, exact for whole numbers up to 2^53; the core's reach 2^62. So every debt is kept as whole units and
 * a part of a unit, as the core keeps wide debts (a narrow one is units x WEIGHT + part), and products are divided without ever being stored as one number.
 */
export const constants = /* lua */ `
local floor, concat = math.floor, table.concat
local pack = struct.pack
local find, match, gmatch, sub, format = string.find, string.match, string.gmatch, string.sub, string.format
-- "%d" is ten times as fast as "%.0f". Where it is limited to 32 bits, "%.0f" takes its place.
if format("%d", 1099511627776) ~= "1099511627776" then
  local wide = format
  format = function(pattern, ...) return wide(string.gsub(pattern, "%%d", "%%.0f"), ...) end
end
-- The highest count that charges can lead to: above it, doubles cannot hold every whole number.
local MOST = 9007199254740991
-- The answer if only a release helps, not time.
local NEVER = math.huge
-- By how much the set's time is ahead of the clock: see correct.ts.
local ahead = 0
-- The longest lease of the set's sessions; the longest window of the debts in its bulk, and 1 if they are narrow.
local longestLease, longest, narrow = 0, 0, 0
-- The stamp of a grant now: its time in microseconds, half a microsecond later after a reset. A reset must not let a grant from before
-- it refund what was granted after it, even where all of it happens in one microsecond.
local stamp = 0
local function stampText(at)
  return format(at % 1 == 0 and "%d" or "%.1f", at)
end
-- For each calendar, by the index of the limit: the windows that the caller has told, by the server's clock.
local told = {}
`;

export const numbers = /* lua */ `
local EXACT = 9007199254740992

-- \`count\` / \`size\`, rounded down. Both are whole.
local function quotient(count, size)
  local whole = floor(count / size)
  if whole * size > count then return whole - 1 end
  return whole
end

-- Returns a x b / m, rounded down, and the rest. All are whole, up to 2^53; only a result above that is not exact.
local function mulDiv(a, b, m)
  local product = a * b
  if product < EXACT then
    local quotient = floor(product / m)
    return quotient, product - quotient * m
  end
  local whole = floor(a / m)
  local summand = a - whole * m
  local quotient, rest = 0, 0
  local bits = b
  local _, length = math.frexp(b)
  local power = 2 ^ (length - 1)
  -- Long multiplication, bit by bit, with the rest always below m.
  while power >= 1 do
    quotient = quotient + quotient
    if rest >= m - rest then
      rest = rest - (m - rest)
      quotient = quotient + 1
    else
      rest = rest + rest
    end
    if bits >= power then
      bits = bits - power
      if rest >= m - summand then
        rest = rest - (m - summand)
        quotient = quotient + 1
      else
        rest = rest + summand
      end
    end
    power = power / 2
  end
  return whole * b + quotient, rest
end

-- Whether one debt is less than another.
local function isLess(units, part, otherUnits, otherPart)
  return units < otherUnits or (units == otherUnits and part < otherPart)
end

-- The difference of two debts, of which the first is not smaller.
local function minus(weight, units, part, otherUnits, otherPart)
  if part < otherPart then return units - otherUnits - 1, part - otherPart + weight end
  return units - otherUnits, part - otherPart
end
`;
