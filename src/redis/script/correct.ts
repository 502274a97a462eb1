/**
 * The time of a set: the clock's, never backwards. A clock that was ahead for a moment and is put right must not stop the set until
 * it has caught up. So where the clock is more than TOLERANCE behind, the set's time goes on from where it was. These are no
 * functions, since making one would cost every call.
 */
import { CALENDAR, FIXED_WINDOW } from "../../../assembly/layout.ts";

/** Reads the time, from a reading of the clock. */
export const time = /* lua */ `
local TOLERANCE = 1000000
reading = reading + ahead
local now = math.max(reading, latest)
local isBehind = isTimed and now - reading > TOLERANCE
`;

/** Corrects the time. The counts of fixed windows and of calendars go on in the clock's present windows. */
export const correct = /* lua */ `
if isBehind then
  local further = now - reading
  for index, spec in ipairs(specs) do
    local kind = match(spec, "^%d+")
    if kind == "${CALENDAR}" then
      local definition, state = limitOf(index)
      if state.ending ~= 0 then
        definition.algorithm.move(state, now)
        isChanged[index] = true
      end
    elseif kind == "${FIXED_WINDOW}" then
      local definition, state = limitOf(index)
      -- A count whose window has passed must not come to life again.
      if state.count > 0 then
        state.count = definition.algorithm.used(definition, state, now)
        state.number = floor((now - ahead - further) / definition.window)
        isChanged[index] = true
      end
    end
  end
  ahead, reading = ahead + further, now
  isBulkChanged = true
  change("m", format("%d", now))
end
`;
