// @ts-check
/** Nodes and totals of the topology in words: what is read in a node, and what it says to who cannot see it. No DOM. */
import { grouped } from "../common/format.js";
import { t } from "../common/i18n.js";
import { DEFAULT_EXCHANGE, LaneKind } from "../generated/records.js";
import { brokerName, differenceText, ownTag } from "../timeline/broker.js";
import { userText } from "../timeline/describe.js";

/** @typedef {import("./model.js").Topology} Topology */
/** @typedef {import("./model.js").Node} Node */
/** @typedef {import("./model.js").NodeState} NodeState */

/** @param {Node | undefined} node */
export const isDefault = (node) => node?.lane.kind === LaneKind.EXCHANGE && node.lane.name === DEFAULT_EXCHANGE;

/** The channel's too, where there are several. @param {import("../recording/lane.js").Lane | null} channel */
function connectionName(channel) {
  const connection = channel?.parent;
  if (!channel || !connection) return "";
  return connection.children.length > 1 ? `${brokerName(connection)} · ${brokerName(channel)}` : brokerName(connection);
}

/** The first line: what the script calls it. @param {Node} node */
export function title({ lane, role }) {
  if (lane.kind === LaneKind.CHANNEL) return connectionName(lane);
  if (role === "consumer") return [connectionName(lane.parent), ownTag(lane)].filter(Boolean).join(" · ");
  return isDefault({ lane, role }) ? brokerName(lane) : lane.name;
}

/** The second: what there is to count. @param {Topology} topology @param {Node} node @param {NodeState} state */
export function counts(topology, node, state) {
  if (state.life !== "there") return t(`topology.${state.life === "killed" && node.role !== "queue" ? "lost" : state.life}`);
  if (node.role === "queue") return [t("topology.ready", { n: grouped(state.ready) }), t("topology.unacked", { n: grouped(state.unacked) })].join("\n");
  if (node.role === "exchange") return topology.declaredAs(node) || (isDefault(node) ? t("topology.byName") : t("topology.exchange"));
  if (node.role === "consumer") return topology.acksItself(node) ? t("topology.acksItself") : t("topology.unacked", { n: grouped(state.unacked) });
  return state.unconfirmed ? t("topology.unconfirmed", { n: grouped(state.unconfirmed) }) : t("topology.publishes");
}

/** A node, whole: what it is, what it has, where it leads. @param {Topology} topology @param {Node} node @param {NodeState} state @param {number} tNs */
export function described(topology, node, state, tNs) {
  const kind = t(`topology.role.${node.role}`);
  const leads = topology.edges
    .filter(({ from }) => from === node.lane.id)
    .flatMap((edge) => {
      const keys = topology.keysAt(edge, tNs);
      const to = topology.nodes.get(edge.to);
      return keys && to ? [t("topology.leads", { to: title(to), key: keys.map(({ text }) => text).join(", ") }).replace(/ ?[(（][)）]$/, "")] : [];
    });
  const declared = node.role === "queue" ? topology.declaredAs(node) : "";
  const differs = state.differs ? differenceText(state.differs) : "";
  return [`${kind} ${title(node)}`, userText(topology.model, node.lane), declared, counts(topology, node, state).replace("\n", t("topology.comma")), differs, ...leads].filter(Boolean).join(t("topology.and"));
}

/** What there was up to a time; `grave` is what went wrong. @param {import("./model.js").Totals} totals @returns {{text: string, grave: boolean}[]} */
export function totalsText(totals) {
  const said = /** @type {const} */ (["published", "delivered", "redelivered", "returned", "unroutable"]).map((name) => ({ text: t(`topology.total.${name}`, { n: grouped(totals[name]) }), n: totals[name], grave: name !== "published" && name !== "delivered" }));
  return said.filter(({ n, grave }) => !grave || n > 0);
}
