export const zh: { readonly [english: string]: string } = {};
