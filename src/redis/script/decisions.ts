/** The functions that decide: what claims keep, what a limit answers, how a request takes or is settled. */
import { claims } from "./claims.ts";
import { take, takeOrWait } from "./take.ts";

export const decisions = /* lua */ `
local claimed, isClaimed, asks = {}, isOther, false
local ends = now + lease
-- One function around those that decide, since each of them would search all variables in use for those that it needs.
local function decisions()
${claims}
${take}
${takeOrWait}
  return unclaim, ask, waitText, refusal, take, settle, before
end
local unclaim, ask, waitText, refusal, take, settle, before = decisions()
`;
