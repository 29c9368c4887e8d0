// @ts-check
/** Pages without a life of their own (the error page). */
import { installFrame } from "./frame.js";

await installFrame();
