/** Saying what went wrong, in words, from whatever was thrown. */
import { ElMessage } from "element-plus/es/components/message/index";
import "element-plus/es/components/message/style/css";

import { NoAnswer, Refused } from "./api";
import { t } from "./i18n";

export function wordsOf(error: unknown): string {
  if (error instanceof NoAnswer) return t("error.noAnswer");
  if (error instanceof Refused) {
    const said = error.problems.map((problem) => problem.message).filter(Boolean);
    if (said.length) return said.join(" ").replace(/(?<=[。；，]) /g, "");
    const key = { 401: "error.signedOut", 403: "error.forbidden", 404: "error.notFound", 429: "error.tooMany" }[error.status];
    return t(key ?? "error.server", { status: error.status });
  }
  return t("error.page");
}

export function complain(error: unknown): void {
  ElMessage({ type: "error", message: wordsOf(error), duration: 6000, showClose: true, grouping: true });
}

export function say(message: string): void {
  ElMessage({ type: "success", message, duration: 2200, grouping: true });
}
