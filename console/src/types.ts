/** The shapes the server speaks: metadata, rows, documents, problems. Decimals are strings, dates `2026-11-22`, moments ISO UTC. */

export type KindName =
  | "text" | "longtext" | "code" | "date" | "moment" | "qty" | "price" | "amount" | "rate" | "integer"
  | "boolean" | "choice" | "ref" | "tags" | "phone" | "done" | "state" | "reason";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface Ref { id: string; code?: string | null; name: string; hint?: string | null }

/** A picker's row: a reference with whatever else the server knows about it (unit, price, stock). */
export interface Figure { label: string; kind: KindName; value: string | null }
export type LookupRow = Ref & { figures?: Figure[] } & Record<string, unknown>;

export type FieldValue = string | number | boolean | null | undefined | Ref | string[];

/** A `plain` choice is what nearly every row has, and is left out of lists. */
export interface Choice { value: string; label: string; tone?: Tone; plain?: boolean }

export interface Field {
  kind: KindName;
  label: string;
  hint?: string | null;
  required?: boolean;
  readonly?: boolean;
  /** Given when the record is made, and kept from then on. */
  once?: boolean;
  scale?: number | null;
  max_length?: number | null;
  choices?: Choice[] | null;
  ref?: string | null;
  where?: Record<string, Json> | null;
  formula?: string | null;
  default?: FieldValue;
  guard?: string | null;
  unit_field?: string | null;
  /** Of a `done` field: the field it counts up to; of an amount: what it is a part of; of a `reason`: the figure it explains. */
  of?: string | null;
  /** Of a `reason`: the fields on which the figure hangs. */
  by?: string[] | null;
  name?: string;
}

export type Tone = "quiet" | "moving" | "good" | "waiting" | "bad" | "partner";
export interface StateValue { value: string; label: string; tone: Tone }
export interface Track { field: string; label: string; states: StateValue[] }

export interface Step {
  name: string;
  label: string;
  track: string;
  from: string[];
  to: string;
  tone?: "primary" | "quiet" | "danger" | null;
  confirm?: string | null;
  /** The close flag a document must have for it. */
  close?: "open" | "manual" | null;
  input?: (Field & { name: string })[] | null;
}

/** Where a row leads: to the rows of a list that agree with it in the fields of `by`, theirs to ours, or to a page. */
export interface Lead { to: string; label: string; list: boolean; by: Record<string, string>; given: Record<string, string> }

export interface FormBlock { label: string; of: string | null; fields: string[] }

export interface Meta {
  code: string;
  label: string;
  kind: "document" | "master" | "ledger" | "page";
  app: string;
  fields: Record<string, Field>;
  sections: Record<string, { label: string; fields: Record<string, Field> }>;
  form: FormBlock[];
  columns: string[];
  find: string[];
  sums: string[];
  tracks: Track[];
  steps: Step[];
  pulls: { source: string; label: string }[];
  pushes: { target: string; label: string }[];
  leads: Lead[];
  chained: boolean;
  /** Saving completes what is blank, so it is worth asking before. */
  fills?: boolean;
  can: {
    view?: boolean; edit?: boolean; create?: boolean; delete?: boolean; export?: boolean; import?: boolean; steps?: string[];
  };
  sort?: string | null;
}

export interface MenuItem { code: string; label: string; kind: Meta["kind"] }
export interface MenuApp { app: string; label?: string | null; icon?: string | null; items: MenuItem[] }
export interface MenuMeta { menu: MenuApp[]; can: string[] }

export type Row = { id: string; version?: number; state?: string } & Record<string, FieldValue>;
export interface Page { rows: Row[]; next: string | null }
export interface Total { count: number; more?: boolean; sums: Record<string, string> }

export interface LineSource { line: string; qty?: string | null }
export type LineBody = { id?: string; no?: number; sources?: LineSource[] } & Record<string, unknown>;

export interface DocumentCan { edit?: boolean; delete?: boolean; steps?: string[]; pushes?: string[]; waits?: string }
export type DocumentBody = {
  id: string;
  number?: string | null;
  state?: string;
  close?: "open" | "auto" | "manual";
  version: number;
  lines?: LineBody[];
  can?: DocumentCan;
} & Record<string, unknown>;

/** What saving would make of a body; `no` is a line's place in it. */
export interface Preview { header: Record<string, FieldValue>; lines: ({ no: number } & Record<string, unknown>)[]; problems: Problem[] }

export interface Change { field: string | null; label: string; line: number | null; by: { id: string; name: string }; at: string; old: FieldValue; new: FieldValue }
export interface Problem {
  field: string | null;
  line: number | null;
  code: string;
  message: string;
}

export interface Session {
  user: { id: string; login: string; name: string };
  enterprise: { id: string; code: string; name: string } | null;
  member: { id: string; name: string; department: Ref | null; roles: { code: string; name: string }[] } | null;
  enterprises: { id: string; code: string; name: string }[];
  locale?: string | null;
  /** A password of their own must be chosen before anything else. */
  first_password?: boolean;
  /** A role asks for a second factor, and there is none: one must be set up before anything else. */
  second_factor?: boolean;
}

export interface TraceNode {
  code: string; label: string; id: string; number: string | null; state: string | null; state_label?: string; tone: Tone; date: string | null;
  amount?: string | null; current: boolean;
}
export interface TraceEdge { from: string; to: string; qty: string | null; unit?: string | null }
export interface Trace { nodes: TraceNode[]; edges: TraceEdge[] }

export interface LogRow {
  at: string; by: { id: string; name: string } | null; act: string; act_label: string;
  changes: { field: string; label: string; line: number | null; old: FieldValue; new: FieldValue }[]; note?: string | null;
}

export interface ChainEvent {
  at: string; side: "ours" | "theirs"; act: string; label: string; detail?: string | null;
  status: "queued" | "sent" | "delivered" | "applied" | "rejected" | "quarantined"; reason?: string | null; message_id?: string | null;
}
export interface ChainView {
  partner: { name: string } | null;
  status: string | null;
  ours: { number: string | null; state: string } | null;
  theirs: { code: string; number: string | null; state: string; expected_date: string | null } | null;
  differences: { field: string; label: string; line: number | null; ours: FieldValue; theirs: FieldValue }[];
  events: ChainEvent[];
}

/** A bad row of a sheet, or a record whose step was refused. */
export interface JobError { row?: number; column?: string | null; heading?: string | null; field?: string | null; id?: string; name?: string; message: string }
export interface Job {
  id: string; kind: string; state: "queued" | "running" | "done" | "failed" | "cancelled"; done: number; total: number | null;
  result?: { created?: number; updated?: number; done?: number; file?: string; errors?: JobError[] } & Record<string, unknown> | null;
  error?: string | null;
}
