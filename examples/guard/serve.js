// One process of the server. It knows the limits by a port. `serve-redis.js` and `worker.js` differ in this one line.
import process from "node:process";
import { connectLimits } from "limitset/port";
import { serve } from "./service.js";

const limits = connectLimits(process);

serve(limits);
