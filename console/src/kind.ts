/**
 * What a field kind is to the console. Each kind is one file in kinds/, named as the server names it; a kind knows how
 * to show a value, how to edit it, how to read typed or pasted text, and how to filter by it.
 */
import type { Component } from "vue";

import type { Operator } from "./filter";
import type { Words } from "./format";
import type { Field, FieldValue, KindName, Tone } from "./types";
import { textWidth } from "./ui/measure";

import amount from "./kinds/amount";
import boolean from "./kinds/boolean";
import choice from "./kinds/choice";
import code from "./kinds/code";
import date from "./kinds/date";
import done from "./kinds/done";
import integer from "./kinds/integer";
import longtext from "./kinds/longtext";
import moment from "./kinds/moment";
import phone from "./kinds/phone";
import price from "./kinds/price";
import qty from "./kinds/qty";
import rate from "./kinds/rate";
import reason from "./kinds/reason";
import ref from "./kinds/ref";
import state from "./kinds/state";
import tags from "./kinds/tags";
import text from "./kinds/text";

/** A refusal names a message of the catalogue under `parse.` and its values. */
export type Parsed = { value: FieldValue } | { wrong: string; with?: Record<string, unknown> };

export interface Shown { t: Words; table?: boolean; today?: Date }

export interface Kind {
  align: "left" | "right" | "center";
  /** Width of a column nobody has changed, in pixels. */
  width: number;
  /** For reading. An empty string means there is nothing. */
  show: (value: FieldValue, field: Field, shown: Shown) => string;
  /** What hovering tells beyond `show`. */
  full?: (value: FieldValue, field: Field) => string;
  tone?: (value: FieldValue, field: Field) => Tone | null;
  /** For editing: `parse(text(value))` gives the value back. */
  text: (value: FieldValue, field: Field) => string;
  /** Typed or pasted text. An empty text is null. References are resolved by the server, not here. */
  parse: (text: string, field: Field) => Parsed;
  Edit: Component;
  operators: Operator[];
  operand: "text" | "number" | "date" | "choices" | "refs" | "boolean";
}

export const KINDS: Record<KindName, Kind> = {
  amount, boolean, choice, code, date, done, integer, longtext, moment, phone, price, qty, rate, reason, ref, state, tags, text,
};

export function kindOf(field: Field): Kind {
  return KINDS[field.kind] ?? text;
}

const NARROW: Record<string, number> = { "masters.unit": 72, "org.employee": 88, "org.department": 110, "masters.warehouse": 130 };

/** A heading longer than this is cut after all; hovering tells the rest. */
const LONGEST = 180;

/** The room a column's heading takes, with `around` for padding and signs. */
export function headingWidth(field: Field, around: number): number {
  return Math.min(LONGEST, textWidth(field.label) + around);
}

/** The room the values of a column take; people and units need less than names of companies, tags all of their words. */
export function valueWidth(field: Field): number {
  const own = (field.kind === "ref" ? NARROW[field.ref ?? ""] : undefined) ?? kindOf(field).width;
  if (field.kind !== "state" && field.kind !== "choice") return own;
  return Math.max(own, ...(field.choices ?? []).map((choice) => Math.min(LONGEST, textWidth(choice.label) + 36)));
}

/** Width of a list's column nobody has changed: its values, and its heading beside an arrow for sorting. */
export function widthOf(field: Field): number {
  return Math.max(valueWidth(field), headingWidth(field, 38));
}

export function show(value: FieldValue, field: Field, shown: Shown): string {
  return value === null || value === undefined || value === "" ? "" : kindOf(field).show(value, field, shown);
}
