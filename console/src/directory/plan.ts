/** What a plan of directory sync says: its acts, how many of each, and which of them may be left out. */
import type { Tone } from "@/types";

export const ACTS = ["add", "change", "move", "disable", "restore", "conflict", "none"] as const;
export type Act = (typeof ACTS)[number];
export type Kind = "person" | "department" | "position";

const TONES: Record<Act, Tone> = { add: "good", change: "moving", move: "partner", disable: "bad", restore: "waiting", conflict: "bad", none: "quiet" };
export const toneOfAct = (act: Act): Tone => TONES[act];

export type RunState = "planning" | "planned" | "held" | "applying" | "applied" | "stopped" | "undoing" | "undone" | "failed" | "dropped";
const RUN_TONES: Record<RunState, Tone> = {
  planning: "moving", planned: "waiting", held: "bad", applying: "moving", applied: "good", stopped: "bad", undoing: "moving", undone: "quiet",
  failed: "bad", dropped: "quiet",
};
export const toneOfRun = (state: string): Tone => RUN_TONES[state as RunState] ?? "quiet";
export const isAtWork = (state: string): boolean => state === "planning" || state === "applying" || state === "undoing";

export interface Count { act: Act; people: number; departments: number; positions: number; all: number }

/** Counts by act, in the order of ACTS, acts that do not occur left out. `tally` counts `person.add` and the like. */
export function countsOf(tally: Partial<Record<string, number>>): Count[] {
  return ACTS.map((act) => {
    const people = tally[`person.${act}`] ?? 0;
    const departments = tally[`department.${act}`] ?? 0;
    const positions = tally[`position.${act}`] ?? 0;
    return { act, people, departments, positions, all: people + departments + positions };
  }).filter((one) => one.all > 0);
}

/** People of the source for whom nothing changes: read, and named in no change. Never negative. */
export function unchangedOf(read: number, tally: Partial<Record<string, number>>): number {
  const named = ACTS.filter((act) => act !== "disable").reduce((sum, act) => sum + (tally[`person.${act}`] ?? 0), 0);
  return Math.max(0, read - named);
}

export interface Diff { name: string; before: string; after: string }

/** Fields of a change in the order people look for them; what is not known comes last. */
/** What the row of an addition says already, in columns of its own. */
const SAID = new Set(["name", "department", "parent"]);
const FIELDS = ["name", "account", "mobile", "department", "parent", "position"];
export function diffsOf(change: { act: Act; fields: Record<string, readonly [string, string]> }): Diff[] {
  const at = (name: string): number => (FIELDS.includes(name) ? FIELDS.indexOf(name) : FIELDS.length);
  return Object.entries(change.fields)
    .filter(([name]) => change.act !== "add" || !SAID.has(name))
    .map(([name, [before, after]]) => ({ name, before, after }))
    .sort((a, b) => at(a.name) - at(b.name));
}

const CONNECTION_TONES: Partial<Record<string, Tone>> = { on: "good", stopped: "bad", removed: "bad", relieved: "bad", left: "quiet" };
export const toneOfConnection = (state: string): Tone => CONNECTION_TONES[state] ?? "quiet";

/** A sentence as a tag or a button says it: without its full stop. */
export const asLabel = (sentence: string): string => sentence.replace(/[。.]$/, "");

/** Sentences one after the other: a blank between them, but none after a full-width stop. */
export const sentences = (...given: string[]): string => given.filter(Boolean).join(" ").replace(/(?<=[。；，]) /g, "");
