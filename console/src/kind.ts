/**
 * What a field kind is to the console. Each kind is one file in kinds/, named as the server names it; a kind knows how
 * to show a value, how to edit it, how to read typed or pasted text, and how to filter by it.
 */
import type { Component } from "vue";

import type { Operator } from "./filter";
import type { Words } from "./format";
import type { Field, FieldValue, KindName, Tone } from "./types";

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

/** Width of a column nobody has changed; people and units need less room than names of companies. */
export function widthOf(field: Field): number {
  return (field.kind === "ref" ? NARROW[field.ref ?? ""] : undefined) ?? kindOf(field).width;
}

export function show(value: FieldValue, field: Field, shown: Shown): string {
  return value === null || value === undefined || value === "" ? "" : kindOf(field).show(value, field, shown);
}
