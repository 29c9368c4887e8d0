// @ts-check
/** The shop in a thread of its own: one reply to each request, in any order, by its number. */
import { buffersOf } from "./pack.js";
import { Shop } from "./shop.js";

const shop = new Shop();

addEventListener("message", ({ data: { number, request } }) => {
  shop.do(request).then(
    (reply) => postMessage({ number, reply }, { transfer: [...buffersOf(reply)] }),
    (error) => postMessage({ number, error: error instanceof Error ? error.message : String(error) }),
  );
});
