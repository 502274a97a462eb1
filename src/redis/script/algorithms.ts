/**
 * The counterparts of `assembly/algorithms/`. The functions of an algorithm:
 *
 * - `read` and `write` convert its state from and to the text in the hash.
 * - `readyAt` returns 0, or the first microsecond at which this limit alone would grant so many units. It changes no debt or count.
 * - `take` takes, once all limits of a request have agreed.
 * - `used` returns the units in use, for readings; `charge` adds units above the ceiling, for settlements.
 * - `giveBack` refunds; only some algorithms have it.
 * - `overdue` returns when a debt above the ceiling has leaked out; only debts have it.
 */
import { settlements } from "./debt.ts";
import { refund } from "./refund.ts";

export const tokenBucket = /* lua */ `
local tokenBucket = { read = read, write = write }

function tokenBucket.readyAt(definition, state, now, count)
  local units, part = owed(definition, state, now)
  local excess = count - (definition.ceiling - units)
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
  return rawget(tokenBucket, name)
end })
`;

/** GCRA (ATM Forum TM 4.0): a theoretical arrival time that may be ahead by the burst is a bucket as large as the burst. */
export const gcra = /* lua */ `
local gcra = tokenBucket
`;

export const leakyBucket = /* lua */ `
local leakyBucket = { read = read, write = write }

function leakyBucket.readyAt(definition, state, now, count)
  local units, part = owed(definition, state, now)
  if units > 0 or part > 0 then return leakedAt(definition, now, units, part) end
  return 0
end

function leakyBucket.take(definition, state, now, count)
  state.at, state.units, state.part = now, count, 0
end

${settlements.replace(/\nlocal function giveBack[\s\S]*?\nend\n/, "")}
leakyBucket.charge, leakyBucket.used, leakyBucket.overdue = charge, used, overdue
`;

/** The log is parsed from its front, only as far as needed. Its last entry is stored apart, so that the next can be added to it. */
export const slidingWindow = /* lua */ `
local MAX_ENTRIES = 128
local slidingWindow = {}

function slidingWindow.read(stored)
  if not stored then return { sum = 0, count = 0, time = 0, amount = 0, log = "", from = 1 } end
  local sum, count, time, amount, at = match(stored, "^(%d+) (%d+) (%d+) (%d+) ()")
  return {
    sum = tonumber(sum), count = tonumber(count), time = tonumber(time), amount = tonumber(amount),
    log = stored, from = at,
  }
end

function slidingWindow.write(state)
  local log = sub(state.log, state.from)
  return format("%d %d %d %d ", state.sum, state.count, state.time, state.amount) .. log
end

-- Drops the entries that have left the window, and returns the sum of the rest.
function slidingWindow.used(definition, state, now)
  local expiry = now - definition.window
  while state.count > 1 do
    local time, amount, following = match(state.log, "^(%d+) (%d+) ()", state.from)
    if tonumber(time) > expiry then return state.sum end
    state.sum, state.count, state.from = state.sum - tonumber(amount), state.count - 1, following
  end
  if state.count == 1 and state.time <= expiry then state.sum, state.count = 0, 0 end
  return state.sum
end

-- When the oldest entries that hold the excess together have left the window.
function slidingWindow.readyAt(definition, state, now, count)
  local excess = count - (definition.ceiling - slidingWindow.used(definition, state, now))
  if excess <= 0 then return 0 end
  if state.searched == state.log then return slidingWindow.searchAgain(definition, state, excess) end
  state.searched, state.entries = state.log, nil
  local from = state.from
  for _ = 2, state.count do
    local time, amount, following = match(state.log, "^(%d+) (%d+) ()", from)
    excess = excess - tonumber(amount)
    if excess <= 0 then return tonumber(time) + definition.window end
    from = following
  end
  return state.time + definition.window
end

-- The same for further requests of the call: parses the log once more, and then no more.
function slidingWindow.searchAgain(definition, state, excess)
  local entries = state.entries
  if not entries then
    entries = {}
    for time, amount in gmatch(sub(state.log, state.from), "(%d+) (%d+) ") do
      entries[#entries + 1], entries[#entries + 2] = tonumber(time), tonumber(amount)
    end
    state.entries = entries
  end
  for i = 2, #entries, 2 do
    excess = excess - entries[i]
    if excess <= 0 then return entries[i - 1] + definition.window end
  end
  return state.time + definition.window
end

-- Which 64th of a window a time falls in: two numbers.
local function cellOf(definition, time)
  local window = definition.window
  local whole = floor(time / window)
  return whole, (mulDiv(time - whole * window, MAX_ENTRIES / 2, window))
end

-- Merges neighbours in a full log.
local function makeRoom(definition, state)
  local log, kept, entries = sub(state.log, state.from) .. format("%d %d ", state.time, state.amount), 0, {}
  local window, cell
  for time, amount in gmatch(log, "(%d+) (%d+) ") do
    time, amount = tonumber(time), tonumber(amount)
    local nextWindow, nextCell = cellOf(definition, time)
    if kept > 0 and nextWindow == window and nextCell == cell then
      entries[kept].amount = entries[kept].amount + amount
      entries[kept].time = time
    else
      kept = kept + 1
      entries[kept] = { time = time, amount = amount }
      window, cell = nextWindow, nextCell
    end
  end
  local older = {}
  for i = 1, kept - 1 do older[i] = format("%d %d ", entries[i].time, entries[i].amount) end
  state.log, state.from, state.count = table.concat(older), 1, kept
  state.time, state.amount = entries[kept].time, entries[kept].amount
end

-- Adds an amount, above the capacity if need be.
function slidingWindow.charge(definition, state, now, count)
  local sum = slidingWindow.used(definition, state, now)
  count = math.min(count, MOST - sum)
  state.sum = sum + count
  if state.count > 0 and state.time == now then
    state.amount = state.amount + count
    return
  end
  if state.count == MAX_ENTRIES then makeRoom(definition, state) end
  if state.count > 0 then
    state.log = sub(state.log, state.from) .. format("%d %d ", state.time, state.amount)
  else
    state.log = ""
  end
  state.from, state.count, state.time, state.amount = 1, state.count + 1, now, count
end

slidingWindow.take = slidingWindow.charge
`;

/** The windows begin by the clock, which the set's time may be ahead of. */
export const fixedWindow = /* lua */ `
local fixedWindow = {}

local function numberAt(definition, now)
  return floor((now - ahead) / definition.window)
end

function fixedWindow.read(stored)
  if not stored then return { number = 0, count = 0 } end
  local number, count = match(stored, "^(%d+) (%d+)")
  return { number = tonumber(number), count = tonumber(count) }
end

function fixedWindow.write(state)
  return format("%d %d", state.number, state.count)
end

function fixedWindow.used(definition, state, now)
  return numberAt(definition, now) == state.number and state.count or 0
end

function fixedWindow.readyAt(definition, state, now, count)
  if count <= definition.ceiling - fixedWindow.used(definition, state, now) then return 0 end
  return (numberAt(definition, now) + 1) * definition.window + ahead
end

-- Adds units to the present window, above the ceiling if need be.
function fixedWindow.charge(definition, state, now, count)
  local used = fixedWindow.used(definition, state, now)
  state.number, state.count = numberAt(definition, now), used + math.min(count, MOST - used)
end

fixedWindow.take = fixedWindow.charge
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

function resource.readyAt(definition, state, now, count)
  return count <= definition.ceiling - state.inUse and 0 or NEVER
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
