export default function Compare() { return <p>Compare</p>; }
