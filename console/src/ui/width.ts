/** Is the screen a phone's? */
import { ref } from "vue";

const query = typeof matchMedia === "function" ? matchMedia("(max-width: 640px)") : null;
export const narrow = ref(query?.matches ?? false);
query?.addEventListener("change", (event) => (narrow.value = event.matches));
