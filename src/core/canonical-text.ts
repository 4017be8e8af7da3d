// When two texts say the same, letter for letter but for case, form and white space (FORM-6).

export const canonicalText = (text: string): string => text.normalize('NFKC').toLowerCase().replaceAll(/\s+/gu, ' ').trim()
