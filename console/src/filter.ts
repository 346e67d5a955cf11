/** Filters of a list: their shape, their place in the address, and how they are combined. */
export type Operator = "=" | "!=" | "in" | ">" | ">=" | "<" | "<=" | "contains" | "starts" | "empty";
export type Operand = string | number | boolean | null | string[];
export type Clause = [field: string, operator: Operator, value: Operand];
export interface Either { or: Clause[] }
export type Filter = (Clause | Either)[];

const OPERATORS = new Set<string>(["=", "!=", "in", ">", ">=", "<", "<=", "contains", "starts", "empty"]);

/** The operators' names in the catalogue, under `op.`. */
export const OPERATOR_WORDS: Record<Operator, string> = {
  "=": "eq", "!=": "ne", in: "in", ">": "gt", ">=": "ge", "<": "lt", "<=": "le", contains: "contains", starts: "starts", empty: "empty",
};

export function isEither(element: Clause | Either): element is Either {
  return !Array.isArray(element);
}

function isClause(value: unknown): value is Clause {
  return Array.isArray(value) && value.length === 3 && typeof value[0] === "string" && OPERATORS.has(String(value[1]));
}

/** From the address; anything that is no filter is dropped rather than sent. */
export function parseFilter(text: unknown): Filter {
  let given: unknown = text;
  if (typeof text === "string") {
    if (!text) return [];
    try {
      given = JSON.parse(text);
    } catch {
      return [];
    }
  }
  if (!Array.isArray(given)) return [];
  const kept: Filter = [];
  for (const element of given as unknown[]) {
    if (isClause(element)) kept.push(element);
    else if (element && typeof element === "object" && Array.isArray((element as Either).or)) {
      const or = (element as { or: unknown[] }).or.filter(isClause);
      if (or.length > 0) kept.push({ or });
    }
  }
  return kept;
}

export function filterText(filter: Filter): string {
  return filter.length ? JSON.stringify(filter) : "";
}

/** What a list shows, as it stands in the address. */
export interface View { filter: Filter; sort: string; search: string }

export function viewFromQuery(query: Record<string, unknown>): View {
  return { filter: parseFilter(query["filter"]), sort: String(query["sort"] ?? ""), search: String(query["search"] ?? "") };
}

export function queryFromView(view: View): Record<string, string> {
  const query: Record<string, string> = {};
  if (view.filter.length) query["filter"] = filterText(view.filter);
  if (view.sort) query["sort"] = view.sort;
  if (view.search) query["search"] = view.search;
  return query;
}

/** Replace the clauses on one field (those a quick chip owns) by new ones. */
export function withField(filter: Filter, field: string, clauses: Clause[]): Filter {
  return [...filter.filter((element) => isEither(element) || element[0] !== field), ...clauses];
}

export function clausesOn(filter: Filter, field: string): Clause[] {
  return filter.filter((element): element is Clause => !isEither(element) && element[0] === field);
}

/** `-date,number` and back. */
export interface SortKey { field: string; descending: boolean }
export function parseSort(sort: string): SortKey[] {
  return sort.split(",").filter(Boolean).map((part) => part.startsWith("-") ? { field: part.slice(1), descending: true } : { field: part, descending: false });
}

export type Period = "today" | "week" | "month" | "lastMonth" | "year";

/** First and last day of a named period; weeks begin on Monday. */
export function periodOf(period: Period, today = new Date()): [string, string] {
  const year = today.getFullYear();
  const month = today.getMonth();
  const day = today.getDate();
  const iso = (date: Date): string => `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
  switch (period) {
    case "today": return [iso(today), iso(today)];
    case "week": {
      const monday = new Date(year, month, day - ((today.getDay() + 6) % 7));
      return [iso(monday), iso(new Date(monday.getFullYear(), monday.getMonth(), monday.getDate() + 6))];
    }
    case "month": return [iso(new Date(year, month, 1)), iso(new Date(year, month + 1, 0))];
    case "lastMonth": return [iso(new Date(year, month - 1, 1)), iso(new Date(year, month, 0))];
    case "year": return [`${year}-01-01`, `${year}-12-31`];
  }
}
