/**
 * A document being looked at and typed into: what the server has, what was typed, what differs, what was refused.
 * Lines are never changed in place: every act makes a new list of them, so undo keeps the former one.
 */
import { computed, reactive, ref, shallowRef } from "vue";

import { newKey } from "@/api";
import { compile, names, type Value } from "@/formula";
import { isRef } from "@/kinds/ref";
import type { DocumentBody, Field, FieldValue, LineBody, Meta, Preview, Problem } from "@/types";

import { afterTyping, filled, type Origin } from "./given";
import type { Sent } from "./sent";

export interface Line extends Origin {
  /** Stays with the line while it moves, is pasted over or gets its server id. */
  key: string;
  id?: string;
  sources?: LineBody["sources"];
  values: Readonly<Record<string, FieldValue>>;
  /** Text that could not be read as the field's kind, kept as typed; `unasked` where nobody answered what it means. */
  bad: Readonly<Record<string, { text: string; message: string; unasked?: boolean }>>;
}

export interface Mark { field: string | null; line: string | null; no: number | null; message: string; code: string }

type Formula = { name: string; run: (env: Record<string, unknown>) => Value };

function formulasOf(fields: Record<string, Field>): Formula[] {
  const found = Object.entries(fields).flatMap(([name, field]) => {
    if (!field.formula) return [];
    try {
      return [{ name, run: compile(field.formula), uses: names(field.formula) }];
    } catch {
      // A formula this console cannot read is the server's to compute; its answer shows after saving.
      return [];
    }
  });
  // One that uses another's result runs after it.
  const sorted: typeof found = [];
  const rest = [...found];
  while (rest.length) {
    const at = rest.findIndex((one) => !rest.some((other) => other !== one && one.uses.has(other.name)));
    sorted.push(...rest.splice(Math.max(0, at), 1));
  }
  return sorted;
}

/** What goes into a formula or a body: references by id. */
function bare(value: FieldValue): FieldValue {
  return isRef(value) ? value.id : value ?? null;
}

export function sameValue(a: unknown, b: unknown): boolean {
  const one = bare(a as FieldValue);
  const other = bare(b as FieldValue);
  const empty = (value: unknown): boolean => value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
  if (empty(one) && empty(other)) return true;
  if (typeof one === "string" && typeof other === "string" && one !== other && /^-?\d+(\.\d+)?$/.test(one) && /^-?\d+(\.\d+)?$/.test(other)) {
    return one.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") === other.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  }
  return JSON.stringify(one) === JSON.stringify(other);
}

export function useEditing(meta: () => Meta, today: () => string, mine: () => Record<string, FieldValue> = () => ({})) {
  const saved = shallowRef<DocumentBody | null>(null);
  const header = reactive<Record<string, FieldValue>>({});
  const headerBad = reactive<Record<string, string>>({});
  const lines = shallowRef<readonly Line[]>([]);
  const marks = ref<Mark[]>([]);
  /** What saving would complain about, said while somebody types: shown at its place, not yet counted. */
  const foreseen = shallowRef<Mark[]>([]);
  const origin = shallowRef<Origin>({});
  const undo: { lines: readonly Line[] }[] = [];
  const redo: { lines: readonly Line[] }[] = [];

  const headerFields = computed(() => meta().fields);
  const section = computed(() => meta().sections["lines"] ?? null);
  /** What the form shows; the rest is the server's own business and travels back as it came. */
  const onForm = computed(() => {
    const blocks = meta().form;
    return blocks.length
      ? { header: new Set(blocks.filter((block) => !block.of).flatMap((block) => block.fields)), lines: new Set(blocks.filter((block) => block.of === "lines").flatMap((block) => block.fields)) }
      : { header: new Set(Object.keys(headerFields.value)), lines: new Set(Object.keys(lineFields.value)) };
  });
  const lineFields = computed<Record<string, Field>>(() => section.value?.fields ?? {});
  const lineFormulas = computed(() => formulasOf(lineFields.value));
  const headerFormulas = computed(() => formulasOf(headerFields.value));

  function defaultOf(field: Field): FieldValue {
    if (field.default === undefined || field.default === null) return null;
    if (field.kind === "date" && (field.default === "today" || field.default === "{today}")) return today();
    return field.default;
  }

  function computeLine(line: Line): Line {
    if (!lineFormulas.value.length) return line;
    const env: Record<string, unknown> = { ...header, ...line.values };
    let values: Record<string, FieldValue> | null = null;
    for (const { name, run } of lineFormulas.value) {
      let result: Value;
      try {
        result = run(env);
      } catch {
        continue;
      }
      env[name] = result;
      if (!sameValue(line.values[name], result)) {
        values ??= { ...line.values };
        values[name] = result;
      }
    }
    return values ? { ...line, values } : line;
  }

  function computeHeader(): void {
    if (!headerFormulas.value.length) return;
    const env: Record<string, unknown> = { ...header, lines: lines.value.map((line) => line.values) };
    for (const { name, run } of headerFormulas.value) {
      try {
        const result = run(env);
        env[name] = result;
        if (!sameValue(header[name], result)) header[name] = result;
      } catch {
        // Left to the server.
      }
    }
  }

  function newLine(values: Record<string, FieldValue> = {}): Line {
    const start: Record<string, FieldValue> = {};
    for (const [name, field] of Object.entries(lineFields.value)) {
      const value = defaultOf(field);
      if (value !== null) start[name] = value;
    }
    return computeLine({ key: newKey(), values: { ...start, ...values }, bad: {} });
  }

  function fromBody(line: LineBody): Line {
    const { id, sources, ...rest } = line;
    const values: Record<string, FieldValue> = {};
    for (const [name, field] of Object.entries(lineFields.value)) {
      // A line that is not saved yet, from a push or a copy, begins with what its body leaves open.
      values[name] = (rest[name] ?? (id ? null : defaultOf(field))) as FieldValue;
    }
    return { key: id ?? newKey(), id, sources, values, bad: {} };
  }

  /** Show what the server answered; whatever was typed before is gone. */
  function take(body: DocumentBody): void {
    saved.value = body;
    fill(body);
  }

  function fill(body: Record<string, unknown>): void {
    for (const name of Object.keys(header)) Reflect.deleteProperty(header, name);
    for (const name of Object.keys(headerBad)) Reflect.deleteProperty(headerBad, name);
    for (const name of Object.keys(headerFields.value)) header[name] = (body[name] ?? null) as FieldValue;
    lines.value = ((body["lines"] as LineBody[] | undefined) ?? []).map(fromBody);
    marks.value = [];
    foreseen.value = [];
    origin.value = {};
    undo.length = 0;
    redo.length = 0;
  }

  /** The server has, as `doc`, what was sent; what was typed since then stays, as a change of it. */
  function rebase(doc: DocumentBody, sent: Sent): void {
    const kept = (fields: Record<string, Field>, now: Readonly<Record<string, FieldValue>>, given: Origin["given"], then: Record<string, unknown>, saved: Record<string, unknown>): Record<string, FieldValue> =>
      Object.fromEntries(Object.entries(fields).map(([name, field]) =>
        [name, (typable(field) && !given?.includes(name) && !sameValue(now[name], then[name]) ? now[name] : saved[name] as FieldValue) ?? null]));
    saved.value = doc;
    Object.assign(header, kept(headerFields.value, header, origin.value.given, sent.body, doc));
    lines.value = lines.value.map((line) => {
      const at = sent.keys.indexOf(line.key);
      const then = sent.body.lines?.[at];
      const stored = doc.lines?.[at];
      if (!then || !stored) return line;
      return computeLine({ ...line, id: stored.id, sources: stored.sources, values: kept(lineFields.value, line.values, line.given, then, stored) });
    });
    computeHeader();
  }

  /** A new document: defaults, then what a pull, a push or a copy brings along. */
  function begin(body: Record<string, unknown> = {}): void {
    saved.value = null;
    const start: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(headerFields.value)) start[name] = defaultOf(field);
    if (headerFields.value["date"] && !start["date"]) start["date"] = today();
    for (const [name, value] of Object.entries(mine())) if (headerFields.value[name]?.kind === "ref" && typable(headerFields.value[name]) && !start[name]) start[name] = value;
    fill({ ...start, ...Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null && value !== undefined)) });
    lines.value = lines.value.map(computeLine);
    computeHeader();
  }

  function setHeader(name: string, value: FieldValue): void {
    header[name] = value;
    origin.value = afterTyping(origin.value, headerFields.value, header, [name]);
    forgive(name, null);
    const used = lineFormulas.value.length > 0;
    if (used) lines.value = lines.value.map(computeLine);
    computeHeader();
  }

  /** Replace all lines as one act that can be undone. */
  function setLines(next: readonly Line[]): void {
    undo.push({ lines: lines.value });
    if (undo.length > 200) undo.shift();
    redo.length = 0;
    const before = new Map(lines.value.map((line) => [line.key, line]));
    place(next.map((line) => typedSince(before.get(line.key), line)));
  }

  /** The line with what was typed into it noted: whatever differs from `before`, or from a line nobody typed into. */
  function typedSince(before: Line | undefined, line: Line): Line {
    if (before === line) return line;
    const changed = Object.entries(lineFields.value).filter(([name, field]) => typable(field) && !sameValue(line.values[name], before ? before.values[name] : defaultOf(field))).map(([name]) => name);
    return changed.length ? { ...line, ...afterTyping(line, lineFields.value, line.values, changed) } : line;
  }

  /**
   * Take what saving would make of the lines `asked`, sent as `keys`, and of the head. Only what nobody typed is filled
   * in, and only in lines that have not been touched since; none of it is an act to be undone.
   */
  function complete(said: Preview, asked: readonly Line[], keys: readonly string[]): void {
    const head = filled(origin.value, headerFields.value, header, said.header, typable, sameValue);
    if (head) {
      Object.assign(header, head.values);
      origin.value = { ...origin.value, given: head.given };
    }
    const untouched = new Set(asked);
    const byKey = new Map(said.lines.map((line) => [keys[line.no - 1], line]));
    lines.value = lines.value.map((line) => {
      const mine = untouched.has(line) ? byKey.get(line.key) : undefined;
      const next = mine ? filled(line, lineFields.value, line.values, mine as Record<string, FieldValue>, typable, sameValue) : null;
      return computeLine(next ? { ...line, ...next } : line);
    });
    foreseen.value = marksOf(said.problems, keys).filter((mark) => mark.field && mark.field !== "lines");
    computeHeader();
  }

  function place(next: readonly Line[]): void {
    const before = new Set(lines.value);
    lines.value = next.map((line) => (before.has(line) ? line : computeLine(line)));
    if (marks.value.length) {
      const now = new Map(lines.value.map((line) => [line.key, line]));
      marks.value = marks.value.filter((mark) => {
        if (!mark.line) return true;
        const line = now.get(mark.line);
        return line !== undefined && before.has(line);
      });
    }
    computeHeader();
  }

  function stepBack(): boolean {
    const last = undo.pop();
    if (!last) return false;
    redo.push({ lines: lines.value });
    place(last.lines);
    return true;
  }

  function stepForward(): boolean {
    const next = redo.pop();
    if (!next) return false;
    undo.push({ lines: lines.value });
    place(next.lines);
    return true;
  }

  // -- what differs ------------------------------------------------------------------------------------------------
  function typable(field: Field): boolean {
    return !field.readonly && !(field.once && saved.value) && !field.formula && field.kind !== "done" && field.kind !== "state";
  }
  /** A line with nothing typed in it is not sent. */
  function blank(line: Line): boolean {
    if (line.id || line.sources?.length || Object.keys(line.bad).length) return false;
    return Object.entries(lineFields.value).every(([name, field]) => !typable(field) || line.given?.includes(name) || sameValue(line.values[name], defaultOf(field)) || sameValue(line.values[name], null));
  }
  const changedFields = computed(() => {
    const base = saved.value;
    return new Set(Object.entries(headerFields.value).filter(([name, field]) => typable(field) && base && !sameValue(header[name], base[name])).map(([name]) => name));
  });
  const savedLines = computed(() => new Map((saved.value?.lines ?? []).map((line) => [line.id, line])));
  function changedCell(line: Line, name: string): boolean {
    const field = lineFields.value[name];
    if (!saved.value || !field || !typable(field)) return false;
    const base = savedLines.value.get(line.id);
    return base ? !sameValue(line.values[name], base[name]) : !sameValue(line.values[name], null);
  }
  const dirty = computed(() => {
    if (Object.keys(headerBad).length) return true;
    const given = origin.value.given ?? [];
    const kept = lines.value.filter((line) => !blank(line));
    if (!saved.value) {
      return kept.length > 0 || Object.entries(headerFields.value).some(([name, field]) => typable(field) && name !== "date" && !given.includes(name) && !(name in mine()) && !sameValue(header[name], defaultOf(field)));
    }
    if ([...changedFields.value].some((name) => !given.includes(name))) return true;
    const base = saved.value.lines ?? [];
    if (kept.length !== base.length) return true;
    return kept.some((line, index) => line.id !== base[index]?.id || Object.keys(line.bad).length > 0
      || Object.keys(lineFields.value).some((name) => !line.given?.includes(name) && changedCell(line, name)));
  });

  // -- to the server and back --------------------------------------------------------------------------------------
  /** The whole document as the server wants it, and which of our lines each of its line numbers is. What was filled in
   * is left out: the server fills it in again. */
  function body(): { body: Record<string, unknown>; keys: string[] } {
    const out: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(headerFields.value)) {
      if (typable(field) && !origin.value.given?.includes(name) && (saved.value || onForm.value.header.has(name) || !sameValue(header[name], null))) out[name] = bare(header[name]);
    }
    const kept = lines.value.filter((line) => !blank(line));
    if (section.value) {
      out["lines"] = kept.map((line) => {
        const one: Record<string, unknown> = {};
        if (line.id) one["id"] = line.id;
        if (line.sources?.length) one["sources"] = line.sources.map((source) => (line.sources?.length === 1 && "qty" in line.values ? { ...source, qty: bare(line.values["qty"]) } : source));
        for (const [name, field] of Object.entries(lineFields.value)) {
          if (typable(field) && !line.given?.includes(name) && (line.id || onForm.value.lines.has(name) || !sameValue(line.values[name], null))) one[name] = bare(line.values[name]);
        }
        return one;
      });
    }
    if (saved.value) out["version"] = saved.value.version;
    return { body: out, keys: kept.map((line) => line.key) };
  }

  function marksOf(problems: readonly Problem[], keys: readonly string[]): Mark[] {
    return problems.map((problem) => ({
      field: problem.field, code: problem.code, message: problem.message, no: problem.line,
      line: problem.line === null || problem.line === undefined ? null : keys[problem.line - 1] ?? null,
    }));
  }
  /** Mark what the server refused, and what was `known` before where it said nothing; in the order of the page. */
  function mark(problems: Problem[], keys: string[], known: Mark[] = []): void {
    const said = marksOf(problems, keys);
    const all = [...said, ...known.filter((one) => !said.some(({ field, line }) => field === one.field && line === one.line))];
    const place = ({ field, no }: Mark): number => no ?? (field === "lines" ? 0 : -1);
    marks.value = all.sort((a, b) => place(a) - place(b));
  }

  function forgive(field: string, line: string | null): void {
    if (marks.value.length) marks.value = marks.value.filter((one) => !(one.field === field && one.line === line));
  }

  /** What this console already knows to be wrong, so that nobody waits for the server to hear it. */
  function known(required: (label: string) => string): Mark[] {
    const found: Mark[] = [];
    for (const [name, message] of Object.entries(headerBad)) found.push({ field: name, line: null, no: null, code: "unread", message });
    for (const [name, field] of Object.entries(headerFields.value)) {
      if (field.required && typable(field) && onForm.value.header.has(name) && !headerBad[name] && field.kind !== "boolean" && sameValue(header[name], null)) found.push({ field: name, line: null, no: null, code: "required", message: required(field.label) });
    }
    let no = 0;
    for (const line of lines.value) {
      if (blank(line)) continue;
      no += 1;
      for (const [name, bad] of Object.entries(line.bad)) found.push({ field: name, line: line.key, no, code: "unread", message: bad.message });
      for (const [name, field] of Object.entries(lineFields.value)) {
        if (field.required && typable(field) && onForm.value.lines.has(name) && field.kind !== "boolean" && !line.bad[name] && sameValue(line.values[name], null)) found.push({ field: name, line: line.key, no, code: "required", message: required(field.label) });
      }
    }
    return found;
  }

  const marked = computed(() => {
    const map = new Map<string, string>();
    for (const one of [...foreseen.value, ...marks.value]) if (one.field) map.set(`${one.line ?? ""}.${one.field}`, one.message);
    return map;
  });

  return {
    saved, header, headerBad, lines, marks, marked, dirty, changedFields, headerFields, lineFields, section,
    take, begin, fill, rebase, setHeader, setLines, newLine, computeLine, computeHeader, stepBack, stepForward, changedCell, blank, typable, body, mark, forgive, known, complete, fromBody,
  };
}

export type Editing = ReturnType<typeof useEditing>;
