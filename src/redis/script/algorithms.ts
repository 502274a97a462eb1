/**
 * The counterparts of `assembly/algorithms/`. The functions of an algorithm:
 *
 * - `read` and `write` convert its state from and to the text in the hash.
 * - `readyAt` returns 0 if this limit would grant so many units behind the `demand` of the waiters before, or the first microsecond at
 *   which it alone would. It changes no debt or count.
 * - `take` takes, once all limits of a request have agreed.
 * - `used` returns the units in use, for readings; `charge` adds units above the ceiling, for settlements.
 * - `giveBack` refunds, and returns how many units went back; only some algorithms have it.
 * - `raise` makes that many units are used at least; `forget` makes a state as if never used; `fullAt` returns when nothing of it is in use.
 * - `overdue` returns when a debt above the ceiling has leaked out; only debts have it.
 * - `facts` tells a window for those who go through the waiters before a request one by one; only windows have it.
 */
import { settlements } from "./debt.ts";
import { refund } from "./refund.ts";

export { calendar } from "./calendar.ts";
export { fixedWindow, slidingWindow } from "./windows.ts";

export const tokenBucket = /* lua */ `
local tokenBucket = { read = read, write = write }

function tokenBucket.readyAt(definition, state, now, count, demand)
  local units, part = owed(definition, state, now)
  local excess = count + demand - (definition.ceiling - units)
  if excess < 0 or (excess == 0 and part == 0) then return 0 end
  return leakedAt(definition, now, excess, part)
end

function tokenBucket.take(definition, state, now, count)
  leak(definition, state, now)
  state.units = state.units + count
  pushMark(definition, state)
end

-- Most calls settle nothing: the functions for settlements are made when first used.
setmetatable(tokenBucket, { __index = function(_, name)
${refund}${settlements}
  tokenBucket.charge, tokenBucket.giveBack = charge, giveBack
  tokenBucket.used, tokenBucket.overdue = used, overdue
  tokenBucket.raise, tokenBucket.forget, tokenBucket.fullAt, tokenBucket.rest = raise, forget, fullAt, rest
  return rawget(tokenBucket, name)
end })
`;

/** GCRA (ATM Forum TM 4.0): a theoretical arrival time that may be ahead by the burst is a bucket as large as the burst. */
export const gcra = /* lua */ `
local gcra = tokenBucket
`;

/** The demand of the waiters before is a time here: that in which their units leak out, one waiter after the other. */
export const leakyBucket = /* lua */ `
local leakyBucket = { read = read, write = write }

function leakyBucket.readyAt(definition, state, now, count, demand)
  local units, part = owed(definition, state, now)
  local at = now + demand
  if units > 0 or part > 0 then at = leakedAt(definition, now, units, part) + demand end
  return at > now and at or 0
end

function leakyBucket.take(definition, state, now, count)
  state.at, state.units, state.part = now, count, 0
end

-- The time in which so many units leak out. A part of a microsecond counts as one.
function leakyBucket.demandOf(definition, count)
  local time, rest = mulDiv(count, definition.weight, definition.rate)
  return rest > 0 and time + 1 or time
end

setmetatable(leakyBucket, { __index = function(_, name)
${settlements.replace(/\nlocal function giveBack[\s\S]*?\nend\n/, "")}
  leakyBucket.charge, leakyBucket.used, leakyBucket.overdue = charge, used, overdue
  leakyBucket.raise, leakyBucket.forget, leakyBucket.fullAt, leakyBucket.rest = raise, forget, fullAt, rest
  return rawget(leakyBucket, name)
end })
`;

/** How much of it each session holds is stored with the session. */
export const resource = /* lua */ `
local resource = {}

function resource.read(stored)
  return { inUse = tonumber(stored or 0) }
end

function resource.write(state)
  return format("%d", state.inUse)
end

function resource.used(definition, state)
  return state.inUse
end

function resource.fullAt(definition, state, now)
  return now
end

function resource.readyAt(definition, state, now, count, demand)
  return count + demand <= definition.ceiling - state.inUse and 0 or NEVER
end

function resource.take(definition, state, now, count, held, index)
  state.inUse = state.inUse + count
  held[index] = (held[index] or 0) + count
end

-- Takes back up to so many units from the session; never units that another session holds.
function resource.giveBack(state, count, held, index)
  local back = math.min(count, held[index] or 0)
  held[index] = (held[index] or 0) - back
  state.inUse = state.inUse - back
  return back
end
`;

/** A rate of infinite capacity: it has no state. */
export const unlimited = /* lua */ `
local unlimited = {}
local function nothing() end
local function zero() return 0 end
unlimited.read = function() return {} end
unlimited.write, unlimited.readyAt, unlimited.used = function() return "" end, zero, zero
unlimited.take, unlimited.charge, unlimited.raise, unlimited.forget = nothing, nothing, nothing, nothing
unlimited.fullAt = function(definition, state, now) return now end
`;
