/** The windows: sliding ones, fixed ones, and those of a calendar. */

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

/**
 * A fixed window whose windows are those of a calendar, which the server does not know. The caller tells the window that has the present
 * moment, or is asked for it. The state has the end of the window in the set's time; or ~T, which is below 0, where the window is
 * the one that has the moment T and is not known otherwise. Then the count, and the stamp of when the count began.
 */
export const calendar = /* lua */ `
local calendar = {}

function calendar.read(stored)
  if not stored then return { ending = 0, count = 0, began = 0 } end
  local ending, count, began = match(stored, "^(-?%d+) (%d+) ([%d.]+)")
  return { ending = tonumber(ending), count = tonumber(count), began = tonumber(began) }
end

function calendar.write(state)
  return format("%d %d ", state.ending, state.count) .. stampText(state.began)
end

local function isOver(state, now)
  return state.ending >= 0 and now >= state.ending
end

-- The window that has the moment, as the caller has told it, in the set's time.
local function windowAt(definition, now)
  for _, window in ipairs(told[definition.index] or {}) do
    if now >= window.from + ahead and now < window.to + ahead then return window.from + ahead, window.to + ahead end
  end
end

-- The end of the window of \`now\`, what is used of it, and since when; without an end where the caller has to be asked.
local function presentOf(definition, state, now)
  local last = state.ending
  if now < last then return last, state.count, state.began end
  local from, to = windowAt(definition, now)
  if not from then
    if isOver(state, now) then return nil, 0, now end
    return nil, state.count, state.began
  end
  local isSame = false
  if last < 0 then
    isSame = -last - 1 >= from
  elseif last > from and last > 0 then
    -- The clocks of two servers may disagree: see assembly/algorithms/calendar.ts.
    isSame = last - from > to - last
    if not isSame then to = last + to - from end
  end
  if isSame then return to, state.count, state.began end
  return to, 0, now
end

function calendar.isKnown(definition, state, now)
  return now < state.ending or windowAt(definition, now) ~= nil
end

function calendar.used(definition, state, now)
  local _, count = presentOf(definition, state, now)
  return count
end

function calendar.readyAt(definition, state, now, count, demand)
  local ending, used = presentOf(definition, state, now)
  local wanted = count + demand
  if wanted <= definition.ceiling - used then return 0 end
  -- Unknown only where a reset has moved the time to the next window.
  if not ending then return now + 1 end
  local windows = 1
  if demand > 0 then windows = quotient(math.min(used, definition.ceiling) + wanted - 1, definition.ceiling) end
  return later(ending, definition, windows - 1)
end

function calendar.charge(definition, state, now, count)
  local ending, used, began = presentOf(definition, state, now)
  state.ending, state.count, state.began = ending or -now - 1, math.min(used + count, MOST), began
end

calendar.take = calendar.charge

-- Units of a grant go back if the present window had begun by then.
function calendar.giveBack(definition, state, now, count, token)
  if isOver(state, now) or token < state.began then return 0 end
  local back = math.min(count, state.count)
  state.count = state.count - back
  return back
end

function calendar.forget(definition, state, now)
  local ending = presentOf(definition, state, now)
  state.ending, state.count, state.began = ending or -now - 1, 0, now + 0.5
end

function calendar.fullAt(definition, state, now)
  local ending, used = presentOf(definition, state, now)
  return used == 0 and now or math.max(now, ending or now)
end

-- The clock was moved: the count goes on in the clock's present window.
function calendar.move(state, now)
  if isOver(state, now) then state.count, state.began = 0, now end
  state.ending = -now - 1
end

function calendar.facts(definition, state, now, reading)
  local ending, used = presentOf(definition, state, now)
  return format("f%d;%d", used, (ending or now + 1) - reading)
end
`;

/** The time that is so many windows later than `ready`, or the latest time there is. */
export const later = /* lua */ `
local function later(ready, definition, windows)
  return math.min(ready + windows * definition.window, MOST)
end
`;
