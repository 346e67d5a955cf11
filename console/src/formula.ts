/**
 * Formulas: the console's half of the language described in yunlian/kernel/formula.py.
 *
 * Decimals come in as text ("12.50", as the API sends them) and go out as the shortest plain text ("12.5"). A field that
 * is absent, null, or not yet a decimal because somebody is still typing it, is 0. Both halves pass tests/formula_cases.json.
 */
import { Decimal } from "decimal.js";

export type Value = string | boolean | null;
export type Row = { readonly [field: string]: unknown };

export class FormulaError extends Error {
  /** `position` counts characters from 0. */
  constructor(
    readonly position: number,
    readonly reason: string,
  ) {
    super(`${reason} (position ${position})`);
    this.name = "FormulaError";
  }
}

export type Node =
  | { kind: "number"; value: string }
  | { kind: "name"; name: string }
  | { kind: "aggregate"; act: "total" | "count"; section: string; field: string }
  | { kind: "minus"; of: Node }
  | { kind: "chain"; first: Node; rest: readonly (readonly [Operator, Node])[] }
  | { kind: "compare"; op: Comparison; left: Node; right: Node }
  | { kind: "logic"; op: "and" | "or"; parts: readonly Node[] }
  | { kind: "not"; of: Node }
  | { kind: "call"; act: Act; args: readonly Node[]; places: number };

type Operator = "+" | "-" | "*" | "/";
type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";
type Act = "if" | "round" | "min" | "max" | "abs";

const MAX_LENGTH = 1_000;
const MAX_DEPTH = 30;
const MAX_DIGITS = 30;
const MAX_PLACES = 10;

const TOKEN = /[ \t\r\n]*(?:([0-9]+(?:\.[0-9]+)?)|([A-Za-z_][A-Za-z0-9_]*)|(<=|>=|==|!=|[-+*/()<>=,.]))/y;
const BLANKS = /[ \t\r\n]*/y;
const COMPARISONS: ReadonlyMap<string, Comparison> = new Map([
  ["=", "="],
  ["==", "="],
  ["!=", "!="],
  ["<", "<"],
  ["<=", "<="],
  [">", ">"],
  [">=", ">="],
]);
const ARGUMENTS: ReadonlyMap<string, readonly [Act, number, number]> = new Map([
  ["if", ["if", 3, 3]],
  ["round", ["round", 1, 2]],
  ["min", ["min", 1, 100]],
  ["max", ["max", 1, 100]],
  ["abs", ["abs", 1, 1]],
]);
const RESERVED: ReadonlySet<string> = new Set(["and", "or", "not"]);
const END = "end of the formula";

/** Recursive descent; every method leaves `text` at the first token it did not use. */
class Parser {
  private at = 0;
  private end = 0;
  private depth = 0;
  private kind: "number" | "word" | "sign" | "end" = "end";
  private text = END;

  constructor(private readonly source: string) {
    if (source.length > MAX_LENGTH) throw new FormulaError(MAX_LENGTH, `A formula has at most ${MAX_LENGTH} characters`);
    this.advance();
  }

  whole(): Node {
    if (this.ended()) throw new FormulaError(0, "The formula is empty");
    const node = this.either();
    if (!this.ended()) throw new FormulaError(this.at, `Expected an operator, found ${this.found()}`);
    return node;
  }

  private ended(): boolean {
    return this.kind === "end";
  }

  private advance(): void {
    TOKEN.lastIndex = this.end;
    const match = TOKEN.exec(this.source);
    if (match) {
      const [, number, word, sign] = match;
      this.kind = number !== undefined ? "number" : word !== undefined ? "word" : "sign";
      this.text = number ?? word ?? sign ?? "";
      this.end = TOKEN.lastIndex;
      this.at = this.end - this.text.length;
      return;
    }
    BLANKS.lastIndex = this.end;
    this.at = this.end + (BLANKS.exec(this.source)?.[0].length ?? 0);
    if (this.at < this.source.length) {
      const character = String.fromCodePoint(this.source.codePointAt(this.at) ?? 0);
      throw new FormulaError(this.at, `“${character}” cannot be used here`);
    }
    this.kind = "end";
    this.text = END;
    this.end = this.at;
  }

  private take(text: string): boolean {
    if (this.ended() || this.text !== text) return false;
    this.advance();
    return true;
  }

  private expect(text: string): void {
    if (!this.take(text)) throw new FormulaError(this.at, `Expected “${text}”, found ${this.found()}`);
  }

  private found(): string {
    return this.ended() ? this.text : `“${this.text}”`;
  }

  private deeper(at: number): void {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new FormulaError(at, `Nested more than ${MAX_DEPTH} deep`);
  }

  private either(): Node {
    return this.logic("or", () => this.logic("and", () => this.negation()));
  }

  private logic(op: "and" | "or", part: () => Node): Node {
    const first = part();
    const parts = [first];
    while (this.take(op)) parts.push(part());
    return parts.length === 1 ? first : { kind: "logic", op, parts };
  }

  private negation(): Node {
    const at = this.at;
    if (!this.take("not")) return this.comparison();
    this.deeper(at);
    const of = this.negation();
    this.depth -= 1;
    return { kind: "not", of };
  }

  private comparison(): Node {
    const left = this.sum();
    const op = COMPARISONS.get(this.text);
    if (op === undefined) return left;
    this.advance();
    const right = this.sum();
    if (COMPARISONS.has(this.text)) {
      throw new FormulaError(this.at, "Comparisons cannot follow one another; join them with and");
    }
    return { kind: "compare", op, left, right };
  }

  private sum(): Node {
    return this.chain(["+", "-"], () => this.chain(["*", "/"], () => this.operand()));
  }

  private chain(signs: readonly Operator[], operand: () => Node): Node {
    const first = operand();
    const rest: [Operator, Node][] = [];
    for (;;) {
      const op = signs.find((sign) => sign === this.text);
      if (op === undefined) break;
      this.advance();
      rest.push([op, operand()]);
    }
    return rest.length ? { kind: "chain", first, rest } : first;
  }

  private operand(): Node {
    const { at, kind, text } = this;
    if (kind === "number") {
      if (text.replace(".", "").length > MAX_DIGITS) {
        throw new FormulaError(at, `A number has at most ${MAX_DIGITS} digits`);
      }
      this.advance();
      return { kind: "number", value: text };
    }
    if (kind === "word" && !RESERVED.has(text)) {
      this.advance();
      return this.text === "(" ? this.call(at, text) : { kind: "name", name: text };
    }
    if (text !== "-" && text !== "(") {
      throw new FormulaError(at, `Expected a number or a field, found ${this.found()}`);
    }
    this.advance();
    this.deeper(at);
    let node: Node;
    if (text === "-") {
      node = { kind: "minus", of: this.operand() };
    } else {
      node = this.either();
      this.expect(")");
    }
    this.depth -= 1;
    return node;
  }

  private call(at: number, act: string): Node {
    const known = ARGUMENTS.get(act);
    if (!known && act !== "total" && act !== "count") throw new FormulaError(at, `There is no function “${act}”`);
    this.expect("(");
    this.deeper(at);
    const node = known ? this.function(at, ...known) : this.aggregate(act === "total" ? "total" : "count");
    this.expect(")");
    this.depth -= 1;
    return node;
  }

  private function(at: number, act: Act, least: number, most: number): Node {
    const args = [this.either()];
    let places = 2;
    while (this.take(",")) {
      if (act === "round" && args.length === 1) {
        places = this.places();
        break;
      }
      args.push(this.either());
    }
    if (args.length < least || args.length > most || (act === "round" && this.text === ",")) {
      throw new FormulaError(at, `“${act}” takes ${least === most ? least : `${least} to ${most}`} arguments`);
    }
    return { kind: "call", act, args, places };
  }

  private places(): number {
    const text = this.text;
    if (this.kind !== "number" || text.includes(".") || Number(text.slice(0, 3)) > MAX_PLACES) {
      throw new FormulaError(this.at, `Places are a whole number from 0 to ${MAX_PLACES}`);
    }
    this.advance();
    return Number(text);
  }

  private word(what: string): string {
    if (this.kind !== "word" || RESERVED.has(this.text)) {
      throw new FormulaError(this.at, `Expected ${what}, found ${this.found()}`);
    }
    const word = this.text;
    this.advance();
    return word;
  }

  private aggregate(act: "total" | "count"): Node {
    const section = this.word("a section of the document");
    if (act === "count") return { kind: "aggregate", act, section, field: "" };
    this.expect(".");
    return { kind: "aggregate", act, section, field: this.word("a field of the section") };
  }
}

/** Read a formula. Throws FormulaError. */
export function parse(source: string): Node {
  return new Parser(source).whole();
}

/** Name what a formula reads: fields, `section.field` of totals, sections of counts. Throws FormulaError. */
export function names(source: string): Set<string> {
  const found = new Set<string>();
  const waiting: Node[] = [parse(source)];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.kind === "name") found.add(node.name);
    else if (node.kind === "aggregate") found.add(node.field ? `${node.section}.${node.field}` : node.section);
    else if (node.kind === "minus" || node.kind === "not") waiting.push(node.of);
    else if (node.kind === "chain") waiting.push(node.first, ...node.rest.map(([, operand]) => operand));
    else if (node.kind === "compare") waiting.push(node.left, node.right);
    else if (node.kind === "logic") waiting.push(...node.parts);
    else if (node.kind === "call") waiting.push(...node.args);
  }
  return found;
}

const compiled = new Map<string, (env: Row) => Value>();

/** Turn a formula into a function of a row or a document as the API sends it. Throws FormulaError. */
export function compile(source: string): (env: Row) => Value {
  let formula = compiled.get(source);
  if (!formula) {
    formula = build(parse(source));
    compiled.set(source, formula);
  }
  return formula;
}

function build(node: Node): (env: Row) => Value {
  const run = isCondition(node) ? truth(node) : shown(number(node));
  return (env) => {
    try {
      return run(env);
    } catch (error) {
      if (error instanceof OutOfReach) return null;
      throw error;
    }
  };
}

// The same 40 digits, half up and reach (below 10^30) as the context of formula.py.
const Exact = Decimal.clone({ precision: 40, rounding: Decimal.ROUND_HALF_UP, maxE: 29, defaults: true });
const ZERO = new Exact(0);
const ONE = new Exact(1);
const PLAIN = /^[+-]?[0-9]+(?:\.[0-9]+)?$/;

/** A division by zero, or a number of 10^30 and more: the formula has no value. */
class OutOfReach extends Error {}

type Run<T> = (env: Row) => T;

function within(value: Decimal): Decimal {
  if (!value.isFinite()) throw new OutOfReach();
  return value;
}

function shown(run: Run<Decimal>): Run<string> {
  return (env) => {
    const value = within(run(env).plus(ZERO));
    return value.isZero() ? "0" : value.toFixed();
  };
}

const ARITHMETIC: Record<Operator, (left: Decimal, right: Decimal) => Decimal> = {
  "+": (left, right) => left.plus(right),
  "-": (left, right) => left.minus(right),
  "*": (left, right) => left.times(right),
  "/": (left, right) => left.dividedBy(right),
};

const COMPARE: Record<Comparison, (left: Decimal, right: Decimal) => boolean> = {
  "=": (left, right) => left.equals(right),
  "!=": (left, right) => !left.equals(right),
  "<": (left, right) => left.lessThan(right),
  "<=": (left, right) => left.lessThanOrEqualTo(right),
  ">": (left, right) => left.greaterThan(right),
  ">=": (left, right) => left.greaterThanOrEqualTo(right),
};

function decimal(value: unknown): Decimal {
  if (typeof value === "string") return PLAIN.test(value) ? within(new Exact(value)) : ZERO;
  if (typeof value === "boolean") return value ? ONE : ZERO;
  return typeof value === "number" && Number.isFinite(value) ? within(new Exact(value)) : ZERO;
}

function rows(value: unknown): readonly Row[] {
  return Array.isArray(value) ? value : [];
}

function isCondition(node: Node): boolean {
  if (node.kind === "call" && node.act === "if") return node.args.slice(1).every(isCondition);
  return node.kind === "compare" || node.kind === "logic" || node.kind === "not";
}

function number(node: Node): Run<Decimal> {
  switch (node.kind) {
    case "number": {
      const value = new Exact(node.value);
      return () => value;
    }
    case "name": {
      const { name } = node;
      return (env) => decimal(env[name]);
    }
    case "aggregate": {
      const { act, section, field } = node;
      if (act === "count") return (env) => new Exact(rows(env[section]).length);
      return (env) => rows(env[section]).reduce((sum, row) => within(sum.plus(decimal(row[field]))), ZERO);
    }
    case "minus": {
      const of = number(node.of);
      return (env) => of(env).negated();
    }
    case "chain": {
      const first = number(node.first);
      const rest = node.rest.map(([op, operand]) => [ARITHMETIC[op], number(operand)] as const);
      return (env) => rest.reduce((left, [act, operand]) => within(act(left, operand(env))), first(env));
    }
    case "call":
      return call(node.act, node.args, node.places);
    default: {
      const condition = truth(node);
      return (env) => (condition(env) ? ONE : ZERO);
    }
  }
}

function call(act: Act, args: readonly Node[], places: number): Run<Decimal> {
  // Each argument is built once: building it twice would double the work at every level of nesting.
  if (act === "if") {
    const [condition, ...branches] = args;
    const when = condition ? truth(condition) : () => false;
    const [yes = blank, no = blank] = branches.map(number);
    return (env) => (when(env) ? yes(env) : no(env));
  }
  const runs = args.map(number);
  const [first = blank] = runs;
  if (act === "round") return (env) => within(first(env).toDecimalPlaces(places));
  if (act === "abs") return (env) => first(env).abs();
  if (act === "min") return (env) => Exact.min(...runs.map((run) => run(env)));
  return (env) => Exact.max(...runs.map((run) => run(env)));
}

function blank(): Decimal {
  return ZERO;
}

function truth(node: Node): Run<boolean> {
  switch (node.kind) {
    case "compare": {
      const compare = COMPARE[node.op];
      const left = number(node.left);
      const right = number(node.right);
      return (env) => compare(left(env), right(env));
    }
    case "not": {
      const of = truth(node.of);
      return (env) => !of(env);
    }
    case "logic": {
      const parts = node.parts.map(truth);
      return node.op === "and"
        ? (env) => parts.every((part) => part(env))
        : (env) => parts.some((part) => part(env));
    }
    case "call":
      if (node.act === "if") {
        const [when, yes, no] = node.args.map(truth);
        return (env) => (when?.(env) ? yes?.(env) : no?.(env)) ?? false;
      }
  }
  const value = number(node);
  return (env) => !value(env).isZero();
}
