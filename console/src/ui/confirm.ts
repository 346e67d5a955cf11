/** One question before something is lost: what will happen in words, and a button that says it. */
import { ElMessageBox } from "element-plus/es/components/message-box/index";
import "element-plus/es/components/message-box/style/css";

import { t } from "@/i18n";

export async function confirmLoss(message: string, act: string): Promise<boolean> {
  try {
    await ElMessageBox.confirm(message, { confirmButtonText: act, cancelButtonText: t("act.cancel"), closeOnClickModal: false, autofocus: true });
    return true;
  } catch {
    return false;
  }
}
