/** A filter as a sentence: `状态 是 已审核、已提交`. */
import { isEither, OPERATOR_WORDS, type Clause, type Either } from "@/filter";
import type { Words } from "@/format";
import { kindOf } from "@/kind";
import { nameOf } from "@/server";
import type { Field, FieldValue, Meta } from "@/types";

import { fieldOf } from "./columns";

function operand(field: Field, value: Clause[2], t: Words): string {
  const values = Array.isArray(value) ? value : [value];
  return values.map((one) => {
    if (field.kind === "ref" && field.ref) return nameOf(field.ref, String(one));
    return kindOf(field).show(one as FieldValue, field, { t }) || String(one ?? "");
  }).join(t("word.comma"));
}

function clause([name, operator, value]: Clause, meta: Meta, t: Words): string {
  const field = fieldOf(meta, name) ?? { kind: "text", label: name.replace("owner", t("list.owner")) };
  if (operator === "empty") return t(value === false ? "filter.notEmpty" : "filter.empty", { field: field.label });
  return `${field.label} ${t(`op.${field.kind === "choice" || field.kind === "state" || field.kind === "ref" ? (operator === "=" ? "in" : OPERATOR_WORDS[operator]) : OPERATOR_WORDS[operator]}`)} ${operand(field, value, t)}`;
}

export function sentence(element: Clause | Either, meta: Meta, t: Words): string {
  return isEither(element) ? element.or.map((one) => clause(one, meta, t)).join(` ${t("filter.or")} `) : clause(element, meta, t);
}
