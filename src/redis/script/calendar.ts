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

-- Turns to the window of \`now\`, if it is known.
function calendar.turn(definition, state, now)
  local ending, count, began = presentOf(definition, state, now)
  if ending then state.ending, state.count, state.began = ending, count, began end
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
