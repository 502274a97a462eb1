/**
 * The one key of a set, a hash. Each session has one field, each limit has a place in the bulk or a field, and the set as a whole has some:
 *
 * | field | holds |
 * |---|---|
 * | `d` | the definitions: a line that names them, and one for each limit |
 * | `K` | the same as JSON, for the processes that have others |
 * | `n...` | the bulk, named after the definitions (see bulk.ts) |
 * | `c` | times that only this half needs (see bulk.ts) |
 * | `w` | until when waiters may be there, and their session (`*`: several) |
 * | `q` | the claims of waiters that were passed over, one a line: since when it waits, until when later requests leave room for it, its session, whether it waits for a release, the limit at which it waits, the units it wants (see claims.ts) |
 * | `p` | the microsecond after the latest reset, and until when each limit is paused |
 * | `1`, `2`, ... | the state of a limit that is not in the bulk |
 * | `s...` | a session (see sessions.ts) |
 *
 * Numbers are whole, and in decimal digits or packed as doubles.
 */
export const hash = /* lua */ `
local sid = sub(sessionName, 2)

local function specsOf(text)
  local list = {}
  for line in gmatch(text, "\\n([^\\n]+)") do list[#list + 1] = line end
  return list
end
-- One line for each limit.
local specs

local algorithms = {}

local function algorithmOf(kind)
  if not algorithms[kind] then
    if kind <= 2 then
      algorithms[1], algorithms[2] = buckets()
    elseif kind == 3 then algorithms[3] = leakyBuckets()
    elseif kind == 4 then algorithms[4] = slidingWindows()
    elseif kind == 5 then algorithms[5] = fixedWindows()
    elseif kind == 6 then algorithms[6] = resources()
    elseif kind == 9 then algorithms[9] = unlimiteds()
    else algorithms[10] = calendars() end
  end
  return algorithms[kind]
end

local function parseSpec(spec, index)
  local kind, ceiling, window, weight, rate, idle, mostUnits, mostPart, flags, missing =
    match(spec, "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) %d+ v4 (%d+) (%d+) ")
  kind = kind + 1
  return {
    index = index, kind = kind, algorithm = algorithmOf(kind), ceiling = tonumber(ceiling), window = tonumber(window),
    weight = tonumber(weight), rate = tonumber(rate), idle = tonumber(idle),
    mostUnits = tonumber(mostUnits), mostPart = tonumber(mostPart),
    -- A shadow lets pass what it would refuse.
    isShadow = flags == "1", missing = tonumber(missing),
  }
end

-- By the index of a limit: its stored text, once read; its definition and its state, once needed; whether it has changed.
local stored, definitions, states, isChanged = {}, {}, {}, {}

-- The definition and the state of a limit.
local function limitOf(index)
  local definition = definitions[index]
  if not definition then
    definition = parseSpec(specs[index], index)
    definitions[index] = definition
    if stored[index] == nil then stored[index] = redis.call("HGET", key, index) end
    states[index] = definition.algorithm.read(stored[index], definition)
  end
  return definition, states[index]
end

local function parsePairs(list)
  local counts = {}
  for index, count in gmatch(list, "(%d+):(-?%d+)") do counts[tonumber(index)] = tonumber(count) end
  return counts
end

local function writePairs(held)
  local list, length = {}, 0
  for index, count in pairs(held) do
    if count > 0 then
      length = length + 1
      list[length] = format("%d:%d,", index, count)
    end
  end
  return length == 0 and "-" or concat(list)
end

-- All fields and their values, one after the other, if this call needs them.
local everything
-- What this call will write, once nothing can fail any more: fields to remove, and then fields with their values.
local removals, changes, count = {}, {}, 0

local function change(field, value)
  changes[count + 1], changes[count + 2] = field, value
  count = count + 2
end
`;
