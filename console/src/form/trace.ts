/** Laying out the chain of documents: columns left to right by distance from the first, no overlaps. Pure. */
import type { Trace, TraceEdge, TraceNode } from "@/types";

export interface Placed extends TraceNode { x: number; y: number }
export interface Drawn { edge: TraceEdge; path: string; labelX: number; labelY: number }
export interface Layout { nodes: Placed[]; edges: Drawn[]; width: number; height: number }

export const NODE = { width: 168, height: 64, gapX: 76, gapY: 20, pad: 8 };

/** A node's column is the longest way to it from a node nothing leads to. Cycles cannot occur; they end anyway. */
function columns(trace: Trace): Map<string, number> {
  const column = new Map(trace.nodes.map((node) => [node.id, 0]));
  for (let round = 0; round < trace.nodes.length; round += 1) {
    let moved = false;
    for (const { from, to } of trace.edges) {
      const wanted = (column.get(from) ?? 0) + 1;
      if (column.has(to) && column.has(from) && wanted > (column.get(to) ?? 0) && wanted < trace.nodes.length) {
        column.set(to, wanted);
        moved = true;
      }
    }
    if (!moved) break;
  }
  // A source with one far follower stands just before it, not at the very left.
  for (const node of trace.nodes) {
    const incoming = trace.edges.some((edge) => edge.to === node.id);
    const next = trace.edges.filter((edge) => edge.from === node.id).map((edge) => column.get(edge.to) ?? 0);
    if (!incoming && next.length) column.set(node.id, Math.min(...next) - 1);
  }
  return column;
}

interface Slot { id: string; node: TraceNode | null; height: number; x: number; y: number }

const THIN = 14;

/**
 * Columns left to right. An arrow that passes over a column gets a thin slot of its own there, so that it runs between
 * documents and never behind one; slots are ordered by where their arrows come from.
 */
export function layout(trace: Trace): Layout {
  const column = columns(trace);
  const used = [...new Set(column.values())].sort((a, b) => a - b);
  const rank = new Map([...column].map(([id, value]) => [id, used.indexOf(value)]));
  const stacks: Slot[][] = used.map((_value, index) => trace.nodes.filter((node) => rank.get(node.id) === index).map((node) => ({ id: node.id, node, height: NODE.height, x: 0, y: 0 })));
  const before = new Map<string, string[]>();
  const ways: { edge: TraceEdge; stops: string[] }[] = [];
  trace.edges.forEach((edge, index) => {
    const from = rank.get(edge.from);
    const to = rank.get(edge.to);
    if (from === undefined || to === undefined) return;
    const stops = [edge.from];
    for (let at = from + 1; at < to; at += 1) {
      const id = `${index}.${at}`;
      stacks[at]?.push({ id, node: null, height: THIN, x: 0, y: 0 });
      stops.push(id);
    }
    stops.push(edge.to);
    ways.push({ edge, stops });
    stops.slice(1).forEach((id, step) => before.set(id, [...(before.get(id) ?? []), stops[step] ?? ""]));
  });

  const tall = (stack: Slot[]): number => stack.reduce((sum, slot) => sum + slot.height, 0) + Math.max(0, stack.length - 1) * NODE.gapY;
  const height = Math.max(NODE.height, ...stacks.map(tall)) + NODE.pad * 2;
  const at = new Map<string, Slot>();
  stacks.forEach((stack, index) => {
    const middle = (slot: Slot): number => {
      const sources = (before.get(slot.id) ?? []).flatMap((id) => at.get(id) ?? []);
      return sources.length ? sources.reduce((sum, one) => sum + one.y + one.height / 2, 0) / sources.length : height / 2;
    };
    const order = new Map(stack.map((slot) => [slot, middle(slot)]));
    stack.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0) || Number(a.node !== null) - Number(b.node !== null));
    let y = (height - tall(stack)) / 2;
    for (const slot of stack) {
      slot.x = NODE.pad + index * (NODE.width + NODE.gapX);
      slot.y = y;
      y += slot.height + NODE.gapY;
      at.set(slot.id, slot);
    }
  });

  const nodes = stacks.flat().flatMap((slot): Placed[] => (slot.node ? [{ ...slot.node, x: slot.x, y: slot.y }] : []));
  const edges = ways.flatMap(({ edge, stops }): Drawn[] => {
    const slots = stops.flatMap((id) => at.get(id) ?? []);
    let path = "";
    let labelX = 0;
    let labelY = 0;
    slots.slice(1).forEach((to, step) => {
      const from = slots[step];
      if (!from) return;
      const x1 = from.x + NODE.width;
      const y1 = from.y + from.height / 2;
      const last = to.node !== null;
      const x2 = to.x - (last ? 6 : 0);
      const y2 = to.y + to.height / 2;
      const bend = Math.max(20, (x2 - x1) / 2);
      path += `${step === 0 ? `M${x1} ${y1}` : ""}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}${last ? "" : `H${to.x + NODE.width}`}`;
      if (last) {
        labelX = (x1 + x2) / 2;
        labelY = (y1 + y2) / 2 - 6;
      }
    });
    return path ? [{ edge, path, labelX, labelY }] : [];
  });
  return { nodes, edges, width: NODE.pad * 2 + stacks.length * NODE.width + Math.max(0, stacks.length - 1) * NODE.gapX, height };
}
