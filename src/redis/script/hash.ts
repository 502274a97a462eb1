/**
 * The one key of a set, a hash. What a limit, a session or the set as a whole needs is one field each:
 *
 * | field | holds |
 * |---|---|
 * | `d` | the definitions, one a line |
 * | `t` | the latest time that changed something, in microseconds |
 * | `e` | no session ends before this |
 * | `w` | until when somebody may wait, and which session (`*`: several) |
 * | `x` | when the key expires |
 * | `1`, `2`, ... | the state of a limit |
 * | `s...` | a session: when it ends, the number of its last batch, what it holds, the answer to that batch |
 *
 * Numbers are whole and in decimal digits.
 */
export const hash = /* lua */ `
local key = KEYS[1]
local definitionText, reading, sid, seq, acked, lease, mode, channel = unpack(ARGV, 1, 8)
local isInjected = reading ~= ""
if isInjected then
  reading = tonumber(reading)
else
  local time = redis.call("TIME")
  reading = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
seq, acked, lease = tonumber(seq), tonumber(acked), tonumber(lease)

local specs = {}
for line in gmatch(definitionText, "[^\\n]+") do specs[#specs + 1] = line end

local KINDS = { tokenBucket, gcra, leakyBucket, slidingWindow, fixedWindow, resource }
local RESOURCE = 6

local function parseSpec(spec)
  local kind, ceiling, window, weight, rate, tick, idle, mostUnits, mostPart =
    match(spec, "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) ")
  kind = tonumber(kind) + 1
  return {
    kind = kind, algorithm = KINDS[kind], ceiling = tonumber(ceiling), window = tonumber(window),
    weight = tonumber(weight), rate = tonumber(rate), tick = tonumber(tick), idle = tonumber(idle),
    mostUnits = tonumber(mostUnits), mostPart = tonumber(mostPart),
  }
end

-- By the index of a limit: what was stored, once read; the definition and the state, once needed; which have changed.
local stored, definitions, states, isChanged = {}, {}, {}, {}

local function definitionOf(index)
  local definition = definitions[index]
  if not definition then
    definition = parseSpec(specs[index])
    definitions[index] = definition
  end
  return definition
end

local function stateOf(index)
  local state = states[index]
  if not state then
    if stored[index] == nil then stored[index] = redis.call("HGET", key, index) end
    state = definitionOf(index).algorithm.read(stored[index])
    states[index] = state
  end
  return state
end

local function parsePairs(list)
  local pairsOf = {}
  for index, count in gmatch(list, "(%d+):(-?%d+)") do pairsOf[tonumber(index)] = tonumber(count) end
  return pairsOf
end

local function writePairs(held)
  local list = {}
  for index, count in pairs(held) do
    if count > 0 then list[#list + 1] = index .. ":" .. text(count) end
  end
  return #list > 0 and concat(list, ",") or "-"
end
`;
