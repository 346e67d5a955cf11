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

export function layout(trace: Trace): Layout {
  const column = columns(trace);
  const used = [...new Set(column.values())].sort((a, b) => a - b);
  const stacks = used.map((value) => trace.nodes.filter((node) => column.get(node.id) === value));
  const tallest = Math.max(1, ...stacks.map((stack) => stack.length));
  const height = tallest * NODE.height + (tallest - 1) * NODE.gapY + NODE.pad * 2;
  const nodes: Placed[] = stacks.flatMap((stack, index) => {
    const tall = stack.length * NODE.height + (stack.length - 1) * NODE.gapY;
    return stack.map((node, row) => ({
      ...node, x: NODE.pad + index * (NODE.width + NODE.gapX), y: (height - tall) / 2 + row * (NODE.height + NODE.gapY),
    }));
  });
  const at = new Map(nodes.map((node) => [node.id, node]));
  const edges = trace.edges.flatMap((edge): Drawn[] => {
    const from = at.get(edge.from);
    const to = at.get(edge.to);
    if (!from || !to) return [];
    const x1 = from.x + NODE.width;
    const y1 = from.y + NODE.height / 2;
    const x2 = to.x - 6;
    const y2 = to.y + NODE.height / 2;
    const bend = Math.max(24, (x2 - x1) / 2);
    return [{ edge, path: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, labelX: (x1 + x2) / 2, labelY: (y1 + y2) / 2 - 6 }];
  });
  return { nodes, edges, width: NODE.pad * 2 + stacks.length * NODE.width + Math.max(0, stacks.length - 1) * NODE.gapX, height };
}
