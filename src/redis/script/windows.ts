/** The windows: sliding ones and fixed ones. */

export const slidingWindow = /* lua */ `
local MAX_ENTRIES = 128
local slidingWindow = {}

-- The log is parsed from its front, only as far as needed. Its last entry is stored apart, so that the next can be added to it.
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

-- When the oldest entries that hold the excess together have left the window. One window after a unit has passed, its place is free for
-- another: so a demand above the capacity takes further windows.
function slidingWindow.readyAt(definition, state, now, count, demand)
  local wanted, windows = count + demand, 0
  if demand > 0 and wanted > definition.ceiling then
    windows = quotient(wanted - 1, definition.ceiling)
    wanted = wanted - windows * definition.ceiling
  end
  local excess = wanted - (definition.ceiling - slidingWindow.used(definition, state, now))
  if excess <= 0 then
    if windows == 0 then return 0 end
    return later(now, definition, windows)
  end
  return later(slidingWindow.searchFor(definition, state, excess), definition, windows)
end

function slidingWindow.searchFor(definition, state, excess)
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

function slidingWindow.forget(definition, state)
  state.sum, state.count, state.log, state.from = 0, 0, "", 1
end

-- When the last entry leaves the window.
function slidingWindow.fullAt(definition, state, now)
  return slidingWindow.used(definition, state, now) == 0 and now or state.time + definition.window
end

-- \`s\`, then the present moment and the entries as \`time:amount;\`. Times are counted from the reading of the clock.
function slidingWindow.facts(definition, state, now, reading)
  slidingWindow.used(definition, state, now)
  local list = { format("s%d;", now - reading) }
  for time, amount in gmatch(sub(state.log, state.from), "(%d+) (%d+) ") do
    list[#list + 1] = format("%d:%s;", time - reading, amount)
  end
  if state.count > 0 then list[#list + 1] = format("%d:%d;", state.time - reading, state.amount) end
  return concat(list)
end
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

local function endAt(definition, now)
  return (numberAt(definition, now) + 1) * definition.window + ahead
end

-- Charges above the capacity end with their window.
function fixedWindow.readyAt(definition, state, now, count, demand)
  local used, wanted = fixedWindow.used(definition, state, now), count + demand
  if wanted <= definition.ceiling - used then return 0 end
  local windows = 1
  if demand > 0 then windows = quotient(math.min(used, definition.ceiling) + wanted - 1, definition.ceiling) end
  return later(endAt(definition, now), definition, windows - 1)
end

-- Adds units to the present window, above the ceiling if need be.
function fixedWindow.charge(definition, state, now, count)
  local used = fixedWindow.used(definition, state, now)
  state.number, state.count = numberAt(definition, now), used + math.min(count, MOST - used)
end

fixedWindow.take = fixedWindow.charge

function fixedWindow.forget(definition, state, now)
  state.number, state.count = numberAt(definition, now), 0
end

function fixedWindow.fullAt(definition, state, now)
  return fixedWindow.used(definition, state, now) == 0 and now or endAt(definition, now)
end

-- \`f\`, then what is used of the present window, and in how long after the reading of the clock that ends.
function fixedWindow.facts(definition, state, now, reading)
  return format("f%d;%d", fixedWindow.used(definition, state, now), endAt(definition, now) - reading)
end
`;

/** The time that is so many windows later than `ready`, or the latest time there is. */
export const later = /* lua */ `
local function later(ready, definition, windows)
  return math.min(ready + windows * definition.window, MOST)
end
`;
